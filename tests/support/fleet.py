"""Several recorders as processes, and what they told of cameras between them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final
from uuid import uuid4

from homeward.cli.embedded.seaweedfs import SeaweedFs
from homeward.cli.eventlog import EventLog
from homeward.shared.events import new_event
from homeward.shared.instants import to_duration, to_timestamp
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.settings import KafkaSettings
from homeward.shared.topics import CAMERAS, CLIPS
from homewardapi.camera.v1.camera_pb2 import Camera, Source
from homewardapi.clip.v1.clip_pb2 import Clip
from support.told import Told

PATIENCE_S: Final = 60.0
CLIP_S: Final = 2


class Replica:
    """`python -m homeward.ingest run` on a spool folder of its own. `spool` is it, `log` what the process wrote."""

    def __init__(self, folder: Path, kafka: KafkaSettings, store: SeaweedFs) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.spool = folder / "spool"
        self.log = folder / "ingest.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._environment: Mapping[str, str] = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HOMEWARD_")},
            "HOMEWARD_KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "HOMEWARD_KAFKA__SESSION_TIMEOUT_S": str(kafka.session_timeout_s),
            "HOMEWARD_OBJECT_STORE__ENDPOINT": store.settings.endpoint,
            "HOMEWARD_OBJECT_STORE__ACCESS_KEY": store.settings.access_key.get_secret_value(),
            "HOMEWARD_OBJECT_STORE__SECRET_KEY": store.settings.secret_key.get_secret_value(),
            "HOMEWARD_OBJECT_STORE__SECURE": "false",
            "HOMEWARD_OPERATIONS__PORT": "0",
            "HOMEWARD_SPOOL_FOLDER": str(self.spool),
        }

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "homeward.ingest", "run"], env=self._environment, stdout=log, stderr=log
            )

    def kill(self) -> None:
        self._send(signal.SIGKILL)
        self._wait()

    def freeze(self) -> None:
        self._send(signal.SIGSTOP)

    def revive(self) -> None:
        self._send(signal.SIGCONT)

    def stop(self) -> int:
        self._send(signal.SIGTERM)
        return self._wait()

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._wait()

    def _send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _wait(self) -> int:
        assert self._process is not None
        return self._process.wait(30)


class Fleet:
    """The recorders of one test, and the log that they share."""

    def __init__(self, folder: Path, kafka: KafkaSettings, store: SeaweedFs) -> None:
        self._folder = folder
        self._kafka = kafka
        self._store = store
        self._log = EventLog(kafka)
        self.replicas: list[Replica] = []

    def add(self, kafka: KafkaSettings | None = None) -> Replica:
        """Start one more; `kafka` is another way to the same broker."""
        replica = Replica(self._folder / f"replica-{len(self.replicas)}", kafka or self._kafka, self._store)
        self.replicas.append(replica)
        replica.start()
        return replica

    def close(self) -> None:
        for replica in self.replicas:
            replica.close()

    def announce(self, *cameras: Camera) -> None:
        producer = EventProducer(self._kafka)
        now = datetime.now(UTC)
        producer.send([new_event(CAMERAS, str(uuid4()), "test", now, each) for each in cameras])
        producer.close()

    def clips(self) -> dict[str, list[Clip]]:
        """Return each clip that was announced, by camera, in the order of the log; a repeat is the same clip."""
        found: dict[str, dict[str, Clip]] = {}
        for event in self._log.snapshot(CLIPS):
            if isinstance(event.message, Clip):
                clips = found.setdefault(event.key, {})
                assert clips.setdefault(event.message.clip_id, event.message) == event.message
        return {camera: list(clips.values()) for camera, clips in found.items()}

    def epochs(self, camera: str) -> list[int]:
        """Return the epochs under which footage of a camera was told, each once, in the order of the log."""
        return list(dict.fromkeys(clip.optional_epoch for clip in self.clips().get(camera, []) if _stored(clip)))

    def footage(self, camera: str) -> list[Told]:
        """Return a camera's footage in the order of its time."""
        return sorted((Told.of(clip) for clip in self.clips().get(camera, []) if _stored(clip)), key=_starts_at)

    def gaps(self, camera: str) -> list[Told]:
        return sorted((Told.of(clip) for clip in self.clips().get(camera, []) if not _stored(clip)), key=_starts_at)

    def until(self, condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
        deadline = time.monotonic() + patience_s
        while not condition():
            assert time.monotonic() < deadline, "it did not come about"
            time.sleep(0.5)


def live_camera(camera_id: str, url: str) -> Camera:
    return Camera(
        camera_id=camera_id,
        display_name="Corridor",
        source=Source(url=url),
        clip_length=to_duration(timedelta(seconds=CLIP_S)),
        enabled=True,
        changed_at=to_timestamp(datetime.now(UTC)),
    )


def holes(footage: list[Told]) -> list[tuple[datetime, datetime]]:
    """Return the time between the first and the last of `footage` that is none; nothing of it may overlap."""
    found = []
    for before, after in pairwise(footage):
        assert before.ends_at <= after.starts_at, f"{before} and {after} overlap"
        if before.ends_at < after.starts_at:
            found.append((before.ends_at, after.starts_at))
    return found


def untold(footage: list[Told], gaps: list[Told]) -> timedelta:
    """Return how much of the time between the first and the last of `footage` neither footage nor a gap tells of."""
    total = timedelta(0)
    for hole_from, hole_until in holes(footage):
        at = hole_from
        for gap in gaps:
            if gap.ends_at <= at or gap.starts_at >= hole_until:
                continue
            total += max(timedelta(0), gap.starts_at - at)
            at = max(at, gap.ends_at)
        total += max(timedelta(0), hole_until - at)
    return total


def _stored(clip: Clip) -> bool:
    return clip.HasField("stored")


def _starts_at(told: Told) -> datetime:
    return told.starts_at
