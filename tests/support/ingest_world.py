"""A broker and an object store for ingest alone, and what is said and heard there."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from homeward.cli.embedded.seaweedfs import SeaweedFs
from homeward.cli.embedded.tansu import Tansu
from homeward.cli.eventlog import EventLog
from homeward.cli.prepare import prepare
from homeward.shared.coverage import Stretch, total, window_coverage
from homeward.shared.events import new_event
from homeward.shared.instants import to_duration, to_timestamp
from homeward.shared.objectstore.minio_store import MinioStore
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.topics import CAMERAS, CLIPS
from homewardapi.camera.v1.camera_pb2 import Camera, Source
from homewardapi.clip.v1.clip_pb2 import Clip
from support.ingest_process import IngestProcess
from support.tansu import running_tansu


@dataclass(frozen=True, slots=True)
class IngestWorld:
    """Where ingest replicas live; `folder` holds theirs."""

    folder: Path
    broker: Tansu
    store: SeaweedFs

    @property
    def objects(self) -> MinioStore:
        """The object store, as a client."""
        return MinioStore(self.store.settings)

    def replica(self, name: str, **settings: str) -> IngestProcess:
        """Return a replica that is not started yet; see IngestProcess for `settings`."""
        return IngestProcess(self.folder / name, self.broker.kafka, self.store.settings, settings)

    def announce(self, *cameras: Camera) -> None:
        """Say what is to be recorded."""
        producer = EventProducer(self.broker.kafka)
        try:
            producer.send([new_event(CAMERAS, str(uuid4()), "test", datetime.now(UTC), each) for each in cameras])
        finally:
            producer.close()

    def wait_told(
        self, camera_ids: Sequence[str], window: Stretch, patience_s: float, *, but: timedelta = timedelta(0)
    ) -> bool:
        """Return whether the log tells of all of the window `but` so much for each camera, within `patience_s`."""
        deadline = time.monotonic() + patience_s
        while True:
            log = self.clips()
            covered = (window_coverage(log.get(one, []), window.starts_at, window.ends_at) for one in camera_ids)
            if all(total(each.untold) <= but for each in covered):
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(2)

    def clips(self) -> dict[str, list[Clip]]:
        """Return what is announced of each camera, repeats and all, in the order of the log."""
        found: dict[str, list[Clip]] = {}
        for event in EventLog(self.broker.kafka).snapshot(CLIPS):
            if isinstance(event.message, Clip):
                found.setdefault(event.key, []).append(event.message)
        return found


def camera(camera_id: str, url: str, *, clip_s: float = 2, enabled: bool = True) -> Camera:
    """Return the wanted state of a live camera."""
    return Camera(
        camera_id=camera_id,
        display_name=camera_id,
        source=Source(url=url),
        clip_length=to_duration(timedelta(seconds=clip_s)),
        enabled=enabled,
        changed_at=to_timestamp(datetime.now(UTC)),
    )


def once(clips: Sequence[Clip]) -> list[Clip]:
    """Return each clip once, in the order of their time; a repeat must be the same to the last bit."""
    found: dict[str, Clip] = {}
    for clip in clips:
        assert found.setdefault(clip.clip_id, clip) == clip
    return sorted(found.values(), key=lambda clip: (clip.starts_at.seconds, clip.starts_at.nanos))


@contextmanager
def running_world(folder: Path, *, objects: Path | None = None) -> Iterator[IngestWorld]:
    """Run a broker in memory and an object store, with every topic and bucket; `objects` is where the store keeps."""
    store = SeaweedFs(objects or folder / "objects")
    with running_tansu(folder / "broker") as broker:
        try:
            store.start()
            prepare(broker.kafka, MinioStore(store.settings))
            yield IngestWorld(folder, broker, store)
        finally:
            store.stop()
