"""Recorders that share cameras: one comes, one dies, one freezes, one is cut off. No second is told by two of them."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from homeward.cli.embedded.seaweedfs import SeaweedFs
from homeward.shared.objectkeys import FOOTAGE_BUCKET
from homeward.shared.objectstore.minio_store import MinioStore
from homeward.shared.runtime.topics_admin import create_topics
from homeward.shared.settings import KafkaSettings
from homeward.shared.topics import CAMERA_STATUS, CAMERAS, CLIPS
from support.door import Door
from support.fleet import Fleet, Replica, holes, live_camera, untold
from support.kafka import running_kafka
from support.rtsp_server import RtspCamera
from support.seaweedfs import running_seaweedfs
from support.tansu import running_tansu
from support.video import make_video

MOVED_AT_MOST: Final = timedelta(seconds=2)
NAMES: Final = [f"cam-{index}" for index in range(6)]
"""Over 24 partitions, each of two replicas gets some of them."""

TAKEOVER: Final = timedelta(seconds=4)
"""How long after the session of a dead member its cameras are recorded again: a rebalance and a connection, on a
machine that does much else."""

EMBEDDED_TAKEOVER: Final = timedelta(seconds=15)
"""The same on the embedded broker, which gives a dead member up 2 to 3 s late; its lane runs beside others."""

SLIVER: Final = timedelta(milliseconds=100)
"""A frame at ten a second."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFs]:
    with running_seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as server:
        MinioStore(server.settings).ensure_bucket(FOOTAGE_BUCKET)
        yield server


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[RtspCamera]:
    video = make_video(tmp_path / "video.mp4", gop=5, seconds=20, b_frames=0)
    with RtspCamera(video) as camera:
        yield camera


class Scene:
    """Two recorders at work, each with some of the cameras."""

    def __init__(self, fleet: Fleet, kafka: KafkaSettings, names: Sequence[str], takeover: timedelta) -> None:
        """`takeover` is how long after a session's end its cameras may take to be recorded again."""
        self.fleet = fleet
        self.takeover = takeover
        self.session = timedelta(seconds=kafka.session_timeout_s)
        self.names = names

    def second_comes(self, add: Callable[[], Replica] | None = None) -> tuple[Replica, Replica]:
        """Add a recorder to the one there is; return when each has told of cameras."""
        first = self.fleet.replicas[0]
        self.fleet.until(lambda: all(len(self.fleet.footage(name)) > 1 for name in self.names))
        second = (add or self.fleet.add)()
        self.fleet.until(lambda: bool(self.moved()))
        return first, second

    def moved(self) -> list[str]:
        return [name for name in self.names if len(self.fleet.epochs(name)) > 1]

    def stayed(self) -> list[str]:
        return [name for name in self.names if name not in self.moved()]

    def grows(self, names: Sequence[str], by: int = 2) -> None:
        """Return when each of the cameras has some more footage."""
        before = {name: len(self.fleet.footage(name)) for name in names}
        self.fleet.until(lambda: all(len(self.fleet.footage(name)) >= before[name] + by for name in names))

    def assert_told(self, names: Sequence[str]) -> None:
        """Each second is footage of one recorder, or a gap that somebody told."""
        for name in names:
            assert untold(self.fleet.footage(name), self.fleet.gaps(name)) <= SLIVER

    def longest(self, name: str) -> timedelta:
        return max((until - since for since, until in holes(self.fleet.footage(name))), default=timedelta(0))

    def causes(self, name: str) -> set[str]:
        return {gap.what for gap in self.fleet.gaps(name)}


@contextmanager
def scene(
    folder: Path, kafka: KafkaSettings, store: SeaweedFs, camera: RtspCamera, takeover: timedelta = TAKEOVER
) -> Iterator[Scene]:
    """Run one recorder of all cameras."""
    create_topics(kafka, [CAMERAS, CLIPS, CAMERA_STATUS])
    fleet = Fleet(folder, kafka, store)
    try:
        fleet.announce(*[live_camera(name, camera.url) for name in NAMES])
        fleet.add()
        yield Scene(fleet, kafka, NAMES, takeover)
    finally:
        fleet.close()


def come_and_go(scene: Scene) -> None:
    """A recorder comes, and cameras move in less than 2 s; it leaves in order, and nothing stays in its spool."""
    _, second = scene.second_comes()
    moved = scene.moved()
    scene.grows(moved)
    for name in moved:
        assert scene.longest(name) < MOVED_AT_MOST
    assert second.stop() == 0
    assert list(second.spool.rglob("*.mp4")) == []
    scene.fleet.until(lambda: all(len(scene.fleet.epochs(name)) > 2 for name in moved))
    scene.grows(moved, by=3)
    for name in moved:
        assert scene.longest(name) < scene.takeover
        assert scene.causes(name) == {"RECORDER_DOWN"}
    scene.assert_told(scene.names)


def freeze(scene: Scene) -> None:
    """A recorder that is stopped and goes on later tells nothing of the time that the other one has taken over."""
    first, _ = scene.second_comes()
    held = scene.stayed()
    first.freeze()
    scene.fleet.until(lambda: all(len(scene.fleet.epochs(name)) > 1 for name in held))
    for name in held:
        assert scene.longest(name) < scene.session + scene.takeover
    scene.grows(held)
    first.revive()
    scene.grows(held, by=3)
    scene.assert_told(scene.names)
    for name in held:
        assert "RECORDER_DOWN" in scene.causes(name)


def kill(scene: Scene) -> None:
    """A recorder that dies is replaced within the session timeout; what it had spooled is sent when it comes back."""
    first, _ = scene.second_comes()
    held = scene.stayed()
    first.kill()
    scene.fleet.until(lambda: all(len(scene.fleet.epochs(name)) > 1 for name in held))
    scene.grows(held, by=3)
    for name in held:
        assert scene.longest(name) < scene.session + scene.takeover
        assert scene.causes(name) == {"RECORDER_DOWN"}
    scene.assert_told(scene.names)
    first.start()
    scene.fleet.until(lambda: list(first.spool.rglob("*.mp4")) == [])
    scene.grows(scene.names)
    scene.assert_told(scene.names)


def test_on_the_embedded_broker_nothing_is_told_twice(tmp_path: Path, store: SeaweedFs, camera: RtspCamera) -> None:
    with (
        running_tansu(tmp_path / "tansu") as tansu,
        scene(tmp_path, tansu.kafka, store, camera, EMBEDDED_TAKEOVER) as running,
    ):
        freeze(running)


@pytest.mark.slow
@pytest.mark.parametrize("story", [come_and_go, kill])
def test_on_the_embedded_broker(
    tmp_path: Path, store: SeaweedFs, camera: RtspCamera, story: Callable[[Scene], None]
) -> None:
    with (
        running_tansu(tmp_path / "tansu") as tansu,
        scene(tmp_path, tansu.kafka, store, camera, EMBEDDED_TAKEOVER) as running,
    ):
        story(running)


@pytest.mark.kafka
@pytest.mark.parametrize("story", [come_and_go, freeze, kill])
def test_on_kafka(tmp_path: Path, store: SeaweedFs, camera: RtspCamera, story: Callable[[Scene], None]) -> None:
    with running_kafka(tmp_path / "kafka") as kafka, scene(tmp_path, kafka.kafka, store, camera) as running:
        story(running)


@pytest.mark.kafka
def test_a_recorder_cut_off_from_kafka_alone_tells_nothing_of_what_was_taken_over(
    tmp_path: Path, store: SeaweedFs, camera: RtspCamera
) -> None:
    with (
        running_kafka(tmp_path / "kafka") as kafka,
        Door(kafka.door, kafka.far) as door,
        scene(tmp_path, kafka.kafka, store, camera) as running,
    ):
        fleet = running.fleet
        far = kafka.kafka.model_copy(update={"bootstrap_servers": f"127.0.0.1:{kafka.door}"})

        def add_far() -> Replica:
            return fleet.add(far)

        _, second = running.second_comes(add_far)
        held = running.moved()
        running.grows(held)
        door.shut()
        fleet.until(lambda: all(len(fleet.epochs(name)) > 2 for name in held))
        # It goes on recording: it cannot know whether anybody else does.
        fleet.until(lambda: len(list(second.spool.rglob("*.mp4"))) > len(held))
        time.sleep(2)
        door.open()
        fleet.until(lambda: list(second.spool.rglob("*.mp4")) == [])
        running.grows(running.names, by=3)
        running.assert_told(running.names)
        for name in held:
            # What it recorded until the other one took over is told after all: a move costs no more than any other.
            assert running.longest(name) < MOVED_AT_MOST
