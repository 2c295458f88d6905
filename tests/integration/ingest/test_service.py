"""The service as a process, on SeaweedFS and the embedded broker: killed, and with its store away."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import pytest

from homeward.cli.embedded.seaweedfs import SeaweedFs
from homeward.cli.eventlog import EventLog
from homeward.shared.events import new_event
from homeward.shared.instants import to_duration, to_timestamp
from homeward.shared.objectkeys import FOOTAGE_BUCKET
from homeward.shared.objectstore.minio_store import MinioStore
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.runtime.topics_admin import create_topics
from homeward.shared.settings import KafkaSettings
from homeward.shared.topics import CAMERAS, CLIPS
from homewardapi.camera.v1.camera_pb2 import Camera, Pace, Recording, Source
from homewardapi.clip.v1.clip_pb2 import Clip
from support.seaweedfs import running_seaweedfs
from support.tansu import running_tansu
from support.video import make_video, packet_hashes

STARTS_AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
PATIENCE_S = 60


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFs]:
    with running_seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as server:
        MinioStore(server.settings).ensure_bucket(FOOTAGE_BUCKET)
        yield server


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaSettings]:
    with running_tansu(tmp_path_factory.mktemp("tansu")) as broker:
        create_topics(broker.kafka, [CAMERAS, CLIPS])
        yield broker.kafka


class Service:
    """`python -m homeward.ingest run` on one spool folder."""

    def __init__(self, folder: Path, kafka: KafkaSettings, store: SeaweedFs) -> None:
        self.log = folder / "ingest.log"
        self._environment: Mapping[str, str] = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HOMEWARD_")},
            "HOMEWARD_KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "HOMEWARD_KAFKA__SESSION_TIMEOUT_S": str(kafka.session_timeout_s),
            "HOMEWARD_OBJECT_STORE__ENDPOINT": store.settings.endpoint,
            "HOMEWARD_OBJECT_STORE__ACCESS_KEY": store.settings.access_key.get_secret_value(),
            "HOMEWARD_OBJECT_STORE__SECRET_KEY": store.settings.secret_key.get_secret_value(),
            "HOMEWARD_OBJECT_STORE__SECURE": "false",
            "HOMEWARD_OPERATIONS__PORT": "0",
            "HOMEWARD_SPOOL_FOLDER": str(folder / "spool"),
        }

    @contextmanager
    def running(self) -> Iterator["subprocess.Popen[bytes]"]:
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "homeward.ingest", "run"], env=self._environment, stdout=log, stderr=log
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait(10)


def camera(camera_id: str, video: Path, pace: Pace.ValueType) -> Camera:
    return Camera(
        camera_id=camera_id,
        display_name="Corridor",
        source=Source(url=video.as_uri(), optional_recording=Recording(starts_at=to_timestamp(STARTS_AT), pace=pace)),
        clip_length=to_duration(timedelta(seconds=2)),
        enabled=True,
        changed_at=to_timestamp(STARTS_AT),
    )


def announce(kafka: KafkaSettings, *cameras: Camera) -> None:
    producer = EventProducer(kafka)
    producer.send([new_event(CAMERAS, str(uuid4()), "test", STARTS_AT, each) for each in cameras])
    producer.close()


def clips_of(kafka: KafkaSettings, camera_id: str) -> list[Clip]:
    """Return what is announced of a camera, repeats and all, in order."""
    events = EventLog(kafka).snapshot(CLIPS)
    return [event.message for event in events if event.key == camera_id and isinstance(event.message, Clip)]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.2)


def distinct(clips: list[Clip]) -> list[Clip]:
    """Return each clip once; a repeat must be the same to the last bit."""
    found: dict[str, Clip] = {}
    for clip in clips:
        assert found.setdefault(clip.clip_id, clip) == clip
    return sorted(found.values(), key=lambda clip: clip.starts_at.ToDatetime())


def assert_whole(kafka: KafkaSettings, store: SeaweedFs, camera_id: str, video: Path, folder: Path) -> None:
    clips = distinct(clips_of(kafka, camera_id))
    for before, after in pairwise(clips):
        assert before.ends_at == after.starts_at
    hashes: list[str] = []
    for clip in clips:
        path = folder / f"{clip.clip_id}.mp4"
        path.write_bytes(MinioStore(store.settings).get(FOOTAGE_BUCKET, clip.stored.object_key))
        hashes += packet_hashes(path)
    assert hashes == packet_hashes(video)


def test_killed_again_and_again_every_packet_is_stored_and_announced(
    tmp_path: Path, kafka: KafkaSettings, store: SeaweedFs
) -> None:
    video = make_video(tmp_path / "source.mp4", gop=10, seconds=16)
    service = Service(tmp_path, kafka, store)
    announce(kafka, camera("killed", video, Pace.PACE_LIVE))
    for seen in (1, 3, 5):
        with service.running() as process:
            until(lambda seen=seen: len(distinct(clips_of(kafka, "killed"))) >= seen)  # type: ignore[misc]
            process.send_signal(signal.SIGKILL)
            process.wait(10)
    killed = service.log.stat().st_size
    with service.running() as process:
        until(lambda: len(distinct(clips_of(kafka, "killed"))) == 8)
        # Before it says so it has no answer to SIGTERM.
        until(lambda: b"service runs" in service.log.read_bytes()[killed:])
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert_whole(kafka, store, "killed", video, tmp_path)
    log = service.log.read_text()
    assert str(video) not in log


def test_while_the_store_is_away_the_spool_keeps_everything(
    tmp_path: Path, kafka: KafkaSettings, store: SeaweedFs
) -> None:
    video = make_video(tmp_path / "source.mp4", gop=10, seconds=12)
    service = Service(tmp_path, kafka, store)
    spooled = tmp_path / "spool" / "stretches" / "away"
    store.stop()
    announce(kafka, camera("away", video, Pace.PACE_IMPORT))
    with service.running() as process:
        until(lambda: len(list(spooled.glob("*.mp4"))) == 6)
        assert clips_of(kafka, "away") == []
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    store.start()
    with service.running() as process:
        until(lambda: len(distinct(clips_of(kafka, "away"))) == 6)
        until(lambda: list(spooled.glob("*.mp4")) == [])
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert_whole(kafka, store, "away", video, tmp_path)
