import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Self

from prometheus_client import CollectorRegistry

from homeward.ingest.adapters.camera_files import CameraFiles
from homeward.ingest.adapters.disk_spool import DiskSpool
from homeward.ingest.assignment import HashAssignment
from homeward.ingest.handler import CameraStates
from homeward.ingest.metrics import IngestMetrics
from homeward.ingest.ports import CameraState, StopSignal
from homeward.ingest.recorders import Recorders
from homeward.ingest.sources import SourceSpec
from homeward.shared.instants import to_duration, to_timestamp
from homewardapi.camera.v1.camera_pb2 import Camera, Source
from support.recording import NOON


def camera(camera_id: str, *, url: str = "rtsp://camera.test/1", enabled: bool = True, name: str = "Door") -> Camera:
    return Camera(
        camera_id=camera_id,
        display_name=name,
        source=Source(url=url),
        clip_length=to_duration(timedelta(seconds=10)),
        enabled=enabled,
        changed_at=to_timestamp(NOON),
    )


class Table:
    def __init__(self, *, known: bool = True) -> None:
        self.known = known

    def caught_up(self, timeout: timedelta) -> bool:
        if not self.known:
            threading.Event().wait(min(timeout.total_seconds(), 0.05))
        return self.known


class World:
    def __init__(self, folder: Path, *, known: bool = True) -> None:
        self.table = Table(known=known)
        self.spool = DiskSpool(folder / "stretches", 1 << 30)
        self.states = CameraStates(CameraFiles(folder / "cameras"), HashAssignment())
        self.running: list[SourceSpec] = []
        self.started: list[SourceSpec] = []
        self.most: dict[str, int] = {}
        self.recorders = Recorders(
            self.states,
            self.table,
            self.spool,
            lambda spec: Recorder(self, spec),
            IngestMetrics(CollectorRegistry()),
            patience=timedelta(seconds=1),
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.recorders.run, args=(self._stop,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive()
        assert self.running == []

    def until(self, condition: Callable[[], bool]) -> None:
        pause = threading.Event()
        for _ in range(1000):
            if condition():
                return
            pause.wait(0.01)
        raise AssertionError("it did not come about")

    def cameras(self) -> list[str]:
        return sorted(spec.camera_id for spec in self.running)


class Recorder:
    def __init__(self, world: World, spec: SourceSpec) -> None:
        self._world = world
        self._spec = spec

    def run(self, stop: StopSignal) -> None:
        world, spec = self._world, self._spec
        world.started.append(spec)
        world.running.append(spec)
        world.most[spec.camera_id] = max(world.most.get(spec.camera_id, 0), world.cameras().count(spec.camera_id))
        stop.wait()
        world.running.remove(spec)


def test_cameras_are_recorded_replaced_and_stopped(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.states.change("a", camera("a"))
        world.states.change("b", camera("b"))
        world.states.change("off", camera("off", enabled=False))
        world.states.change("bad", camera("bad", url="rtsp://u:p@camera.test/1"))
        world.until(lambda: world.cameras() == ["a", "b"])
        assert world.recorders.ready()
        world.states.change("a", camera("a", name="Another name"))
        world.states.change("b", camera("b", url="rtsp://camera.test/2"))
        world.until(lambda: len(world.started) == 3 and world.cameras() == ["a", "b"])
        world.states.change("a", None)
        world.until(lambda: world.cameras() == ["b"] and world.spool.state("a").stopped)
        assert world.most == {"a": 1, "b": 1}
    assert not world.spool.state("b").stopped


def test_a_camera_switched_off_while_nothing_ran_has_no_gap(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.spool.remember("gone", CameraState(through=NOON))
    with world:
        world.until(lambda: world.spool.state("gone").stopped)


def test_without_kafka_the_cameras_last_known_are_recorded(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.states.change("a", camera("a"))
        world.states.change("b", camera("b"))
        world.states.change("c", camera("c"))
        world.states.change("c", None)
        world.until(lambda: world.cameras() == ["a", "b"])
    with World(tmp_path, known=False) as again:
        again.until(lambda: again.cameras() == ["a", "b"])
        # The table comes: b was removed meanwhile.
        again.states.change("a", camera("a"))
        again.table.known = True
        again.until(lambda: again.cameras() == ["a"])
        assert len(again.started) == 2


def test_another_replicas_camera_is_left_to_it(tmp_path: Path) -> None:
    states = CameraStates(CameraFiles(tmp_path), HashAssignment(0, 2))
    names = [f"cam-{index}" for index in range(20)]
    for name in names:
        states.change(name, camera(name))
    _, wanted = states.wanted()
    assert set(wanted) == {name for name in names if HashAssignment(0, 2).records(name)}
