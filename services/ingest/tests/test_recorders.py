import errno
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from prometheus_client import CollectorRegistry

from homeward.ingest.adapters.camera_files import CameraFiles
from homeward.ingest.adapters.disk_spool import DiskSpool
from homeward.ingest.cameras.resting import Resting
from homeward.ingest.cameras.schedule import DAY_MINUTES, Schedule
from homeward.ingest.cameras.timetable import Timetable
from homeward.ingest.handler import CameraStates
from homeward.ingest.media.coverage import Cause
from homeward.ingest.media.stretches import Stretch
from homeward.ingest.metrics import IngestMetrics
from homeward.ingest.ports import CameraState, StopSignal
from homeward.ingest.recorders import Job, Recorders
from homeward.ingest.sharing.membership import Tenure
from homeward.shared.clock import SystemClock
from homeward.shared.instants import to_duration, to_timestamp
from homewardapi.camera.v1 import camera_pb2
from homewardapi.camera.v1.camera_pb2 import Camera, Source, WeeklySpan
from support.recording import NOON, ManualClock

S = timedelta(seconds=1)
ALONE = Tenure(3, 1_000, 0)
CAME = Tenure(3, 2_000, 2_000)
NEVER = camera_pb2.Schedule(time_zone="UTC")


def camera(
    camera_id: str,
    *,
    url: str = "rtsp://camera.test/1",
    enabled: bool = True,
    name: str = "Door",
    schedule: camera_pb2.Schedule | None = None,
    retention_h: int | None = None,
) -> Camera:
    return Camera(
        camera_id=camera_id,
        display_name=name,
        source=Source(url=url),
        clip_length=to_duration(timedelta(seconds=10)),
        enabled=enabled,
        changed_at=to_timestamp(NOON),
        optional_schedule=schedule,
        optional_retention=None if retention_h is None else to_duration(timedelta(hours=retention_h)),
    )


class Table:
    def __init__(self, *, known: bool = True) -> None:
        self.known = known

    def caught_up(self, timeout: timedelta) -> bool:
        if not self.known:
            threading.Event().wait(min(timeout.total_seconds(), 0.05))
        return self.known


class Owned:
    """An assignment that the test moves cameras in."""

    def __init__(self, default: Tenure | None = ALONE) -> None:
        self.default = default
        self.of: dict[str, Tenure | None] = {}
        self.presumed = False

    def tenure(self, camera_id: str) -> Tenure | None:
        return self.of.get(camera_id, self.default)

    def presume(self) -> None:
        self.presumed = True

    def decided(self) -> bool:
        return True


class World:
    def __init__(self, folder: Path, *, known: bool = True) -> None:
        self.table = Table(known=known)
        self.spool = DiskSpool(folder / "stretches", 1 << 30)
        self.memory = CameraFiles(folder / "cameras")
        self.states = CameraStates(self.memory)
        self.owned = Owned()
        self.running: list[Job] = []
        self.started: list[Job] = []
        self.most: dict[str, int] = {}
        self.recorders = Recorders(
            self.states,
            self.table,
            self.owned,
            self.spool,
            start=lambda job: Recorder(self, job),
            metrics=IngestMetrics(CollectorRegistry()),
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
        assert self.recorders.recorded.is_set()

    def until(self, condition: Callable[[], bool]) -> None:
        pause = threading.Event()
        for _ in range(1000):
            if condition():
                return
            pause.wait(0.01)
        raise AssertionError("it did not come about")

    def move(self, camera_id: str, tenure: Tenure | None) -> None:
        self.owned.of[camera_id] = tenure
        self.states.poke()

    def cameras(self) -> list[str]:
        return sorted(job.spec.camera_id for job in self.running)

    def told(self) -> list[Stretch]:
        taken = []
        while (entry := self.spool.claim(0)) is not None:
            taken.append(entry.stretch)
            self.spool.free(entry)
        return taken


class Recorder:
    def __init__(self, world: World, job: Job) -> None:
        self._world = world
        self._job = job

    def run(self, stop: StopSignal) -> None:
        world, job = self._world, self._job
        world.started.append(job)
        world.running.append(job)
        name = job.spec.camera_id
        world.most[name] = max(world.most.get(name, 0), world.cameras().count(name))
        stop.wait()
        world.running.remove(job)


def test_cameras_are_recorded_replaced_and_stopped(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.spool.remember("a", CameraState(through=NOON))
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
        world.until(lambda: world.cameras() == ["b"] and world.spool.state("a").through is None)
        assert world.most == {"a": 1, "b": 1}
    assert world.spool.state("b").stopped is None


def test_neither_a_repeat_nor_other_hours_nor_days_restart_a_recorder(tmp_path: Path) -> None:
    always = camera_pb2.Schedule(
        time_zone="UTC",
        spans=[WeeklySpan(weekday=day, from_minute=0, until_minute=DAY_MINUTES) for day in range(1, 8)],  # type: ignore[arg-type]
    )
    with World(tmp_path) as world:
        world.states.change("a", camera("a"))
        world.until(lambda: world.cameras() == ["a"])
        version, _ = world.states.wanted()
        world.states.change("a", camera("a"))
        assert world.states.wanted()[0] == version
        world.states.change("a", camera("a", schedule=always, retention_h=48))
        world.states.change("b", camera("b"))
        world.until(lambda: world.cameras() == ["a", "b"])
    assert len(world.started) == 2


def test_a_camera_removed_while_nothing_ran_is_a_new_one_when_it_comes_back(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.spool.remember("gone", CameraState(through=NOON))
    world.spool.remember("elsewhere", CameraState(through=NOON))
    world.owned.of["elsewhere"] = None
    with world:
        world.until(lambda: world.spool.state("gone").through is None)
    assert world.spool.state("elsewhere").through == NOON


def test_a_camera_is_recorded_while_its_partition_is_owned_and_anew_under_each_tenure(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.move("a", None)
        world.states.change("a", camera("a"))
        world.states.change("b", camera("b"))
        world.until(lambda: world.cameras() == ["b"])
        world.move("a", ALONE)
        world.until(lambda: world.cameras() == ["a", "b"])
        world.move("a", CAME)
        world.until(lambda: len(world.started) == 3 and world.cameras() == ["a", "b"])
        world.move("b", None)
        world.until(lambda: world.cameras() == ["a"])
    assert world.most == {"a": 1, "b": 1}
    assert [job.tenure for job in world.started if job.spec.camera_id == "a"] == [ALONE, CAME]
    # What another one tells of is none of our business.
    assert world.spool.state("b").stopped is None


def test_why_a_camera_rests_is_remembered_and_told_when_the_reason_changes(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.spool.remember("a", CameraState(through=NOON))
        world.states.change("a", camera("a", schedule=NEVER))
        world.until(lambda: world.spool.state("a").stopped is Cause.NOT_SCHEDULED)
        assert world.told() == []
        world.states.change("a", camera("a", enabled=False))
        world.until(lambda: world.spool.state("a").stopped is Cause.DISABLED)
        [gap] = world.told()
        assert (gap.starts_at, gap.outcome) == (NOON, Cause.NOT_SCHEDULED)
        assert gap.claim is not None
        assert (gap.claim.partition, gap.claim.epoch, gap.claim.until) == (3, 1_000, gap.ends_at)
        assert world.spool.state("a").through == gap.ends_at
        world.states.change("a", camera("a"))
        world.until(lambda: world.cameras() == ["a"])
    assert world.told() == []


def test_a_camera_that_rests_costs_no_writing(tmp_path: Path) -> None:
    clock = ManualClock()
    spool = DiskSpool(tmp_path, 1 << 30)
    spool.remember("a", CameraState(through=NOON))
    resting = Resting(spool, clock)
    always, never = Schedule.weekly(ZoneInfo("UTC"), []), Schedule.weekly(ZoneInfo("UTC"), [(0, 1)])
    resting.rest("a", Cause.NOT_SCHEDULED, always, ALONE)
    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    clock.sleep(60)
    for _ in range(3):
        resting.rest("a", Cause.NOT_SCHEDULED, always, ALONE)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == written
    resting.rest("a", Cause.NOT_SCHEDULED, never, ALONE)
    entry = spool.claim(0)
    assert entry is not None
    assert (entry.stretch.starts_at, entry.stretch.ends_at) == (NOON, NOON + 60 * S)
    resting.rest("never-recorded", Cause.DISABLED, None, ALONE)
    assert not (tmp_path / "never-recorded").exists()


class FailingDisk:
    """Has writes refused while `full`; `refused` is how many were."""

    def __init__(self) -> None:
        self.full = True
        self.refused = 0

    def remember(self, works: Callable[..., None]) -> Callable[..., None]:
        def remember(*args: object) -> None:
            if self.full:
                self.refused += 1
                raise OSError(errno.ENOSPC, "full")
            works(*args)

        return remember


@pytest.mark.parametrize("writer", [CameraFiles, DiskSpool])
def test_a_full_disk_ends_nothing_and_what_it_did_not_take_is_noted_later(tmp_path: Path, writer: type) -> None:
    disk = FailingDisk()
    world = World(tmp_path)
    for name in ("off", "gone", "left"):
        world.spool.remember(name, CameraState(through=NOON))
    with patch.object(writer, "remember", disk.remember(writer.remember)), world:  # type: ignore[attr-defined]  # both have it
        world.states.change("off", camera("off", enabled=False))
        world.states.change("gone", camera("gone"))
        world.states.change("a", camera("a"))
        world.until(lambda: world.cameras() == ["a", "gone"])
        world.states.change("gone", None)
        world.until(lambda: world.cameras() == ["a"])
        world.until(lambda: disk.refused > 0)
        disk.full = False
        world.until(lambda: world.spool.state("off").stopped is Cause.DISABLED)
        world.until(lambda: not world.spool.state("gone").through and not world.spool.state("left").through)
        world.until(lambda: sorted(world.memory.recall()) == ["a", "off"])


def test_a_camera_removed_while_the_disk_is_full_is_forgotten_later(tmp_path: Path) -> None:
    disk = FailingDisk()
    disk.full = False
    world = World(tmp_path)
    world.spool.remember("a", CameraState(through=NOON))
    world.states.change("a", camera("a"))
    with patch.object(DiskSpool, "remember", disk.remember(DiskSpool.remember)), world:
        world.until(lambda: world.cameras() == ["a"])
        disk.full = True
        world.states.change("a", None)
        world.until(lambda: disk.refused > 0)
        assert world.cameras() == []
        disk.full = False
        world.until(lambda: world.spool.state("a").through is None)


def test_a_full_disk_is_not_asked_again_at_every_turn(tmp_path: Path) -> None:
    disk, clock = FailingDisk(), ManualClock()
    spool = DiskSpool(tmp_path, 1 << 30)
    spool.remember("a", CameraState(through=NOON))
    resting = Resting(spool, clock)
    with patch.object(DiskSpool, "remember", disk.remember(DiskSpool.remember)):
        for _ in range(100):
            resting.rest("a", Cause.DISABLED, None, ALONE)
            assert not resting.forget("a", ALONE)
            clock.sleep(0.5)
        assert 5 <= disk.refused <= 15
        disk.full = False
        clock.sleep(5)
        resting.rest("a", Cause.DISABLED, None, ALONE)
    assert spool.state("a").stopped is Cause.DISABLED


def test_a_remembered_camera_that_cannot_be_read_costs_no_other(tmp_path: Path) -> None:
    files = CameraFiles(tmp_path)
    for name in ("a", "b"):
        files.remember(name, name.encode())
    (tmp_path / "a.camera").unlink()
    (tmp_path / "a.camera").mkdir()
    assert files.recall() == {"b": b"b"}


def test_a_timetable_follows_the_schedule_as_time_passes() -> None:
    asked: list[datetime] = []

    class Counting(Schedule):
        __slots__ = ()

        def records_at(self, at: datetime) -> bool:
            asked.append(at)
            return super().records_at(at)

    schedule = Counting.weekly(ZoneInfo("UTC"), [])
    counting = Counting(ZoneInfo("UTC"), ((12 * 60 + 1, 12 * 60 + 2),))
    timetable = Timetable()
    assert timetable.records(None, NOON)
    assert not timetable.records(schedule, NOON)
    # NOON is a Monday's.
    seen = [timetable.records(counting, NOON + index * S) for index in range(180)]
    assert seen == [60 <= index < 120 for index in range(180)]
    asked.clear()
    assert not any(timetable.records(counting, NOON + (200 + index) * S) for index in range(100))
    assert asked == []
    assert timetable.records(counting, NOON + 61 * S), "a clock that is set back"


def test_without_kafka_the_cameras_last_known_are_recorded(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.states.change("a", camera("a"))
        world.states.change("b", camera("b"))
        world.states.change("c", camera("c"))
        world.states.change("c", None)
        world.until(lambda: world.cameras() == ["a", "b"])
    with World(tmp_path, known=False) as again:
        again.until(lambda: again.cameras() == ["a", "b"])
        assert again.owned.presumed
        # The table comes: b was removed meanwhile.
        again.states.change("a", camera("a"))
        again.table.known = True
        again.until(lambda: again.cameras() == ["a"])
        assert len(again.started) == 2


def test_a_thousand_cameras_are_looked_at_quickly(tmp_path: Path) -> None:
    world = World(tmp_path)
    for index in range(1000):
        world.states.change(f"c-{index}", camera(f"c-{index}", enabled=False))
    began_s = SystemClock().monotonic()
    for _ in range(5):
        world.recorders._turn()
    assert SystemClock().monotonic() - began_s < 1
