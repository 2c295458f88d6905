"""Recorders with real adapters; what they send is kept in memory."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry

from homeward.ingest.adapters.credential_files import CredentialFiles
from homeward.ingest.adapters.disk_spool import DiskSpool
from homeward.ingest.adapters.footage_folders import DiskFolders
from homeward.ingest.adapters.pyav_source import silence_ffmpeg
from homeward.ingest.adapters.pyav_writer import PyavWriters
from homeward.ingest.adapters.sources import Sources
from homeward.ingest.cameras.sources import SourceSpec
from homeward.ingest.metrics import IngestMetrics
from homeward.ingest.recorder import CameraRecorder
from homeward.ingest.sender import Sender
from homeward.ingest.tools import Tools
from homeward.shared.clock import SystemClock
from homeward.shared.objectstore.memory_store import MemoryStore
from homeward.shared.runtime.backoff import Backoff
from homewardapi.clip.v1.clip_pb2 import Clip
from support.recording import RecordingProducer


class Studio:
    """Records sources into one spool folder and keeps what is sent."""

    def __init__(self, folder: Path) -> None:
        silence_ffmpeg()
        self.folder = folder
        self.credentials = folder / "credentials"
        self.credentials.mkdir(exist_ok=True)
        self.clock = SystemClock()
        self.store = MemoryStore(self.clock)
        self.store.ensure_bucket("footage")
        self.producer = RecordingProducer()
        metrics = IngestMetrics(CollectorRegistry())
        self.spool = DiskSpool(folder / "stretches", 1 << 30)
        retry = Backoff(timedelta(milliseconds=50), timedelta(milliseconds=200))
        sources = Sources(
            CredentialFiles(self.credentials),
            open_timeout=timedelta(seconds=5),
            read_timeout=timedelta(seconds=2),
            clock=self.clock,
        )
        self.tools = Tools(sources, PyavWriters(), self.spool, self.clock, retry, metrics, folders=DiskFolders())
        self.sender = Sender(self.spool, self.store, self.producer, backoff=retry, clock=self.clock, metrics=metrics)

    def record(self, spec: SourceSpec) -> None:
        """Record to the source's end, and send everything."""
        CameraRecorder(spec, self.tools).run(threading.Event())
        self.send()

    @contextmanager
    def recording(self, spec: SourceSpec) -> Iterator[None]:
        """Record meanwhile; send everything at the end."""
        stop = threading.Event()
        thread = threading.Thread(target=CameraRecorder(spec, self.tools).run, args=(stop,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(20)
            assert not thread.is_alive()
            self.send()

    def send(self) -> None:
        while (entry := self.spool.claim(0)) is not None:
            self.sender.send(entry)

    def clips(self) -> Sequence[Clip]:
        return [event.message for event in self.producer.events if isinstance(event.message, Clip)]

    def files(self) -> Sequence[Path]:
        """Return each stored clip as a file, in order."""
        found: list[Path] = []
        for clip in self.clips():
            if clip.HasField("stored"):
                path = self.folder / f"{clip.clip_id}.mp4"
                path.write_bytes(self.store.get("footage", clip.stored.object_key))
                found.append(path)
        return found
