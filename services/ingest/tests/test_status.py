import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from homeward.ingest.adapters.disk_spool import DiskSpool
from homeward.ingest.cameras.schedule import Schedule
from homeward.ingest.cameras.time_zones import time_zone
from homeward.ingest.media.coverage import Cause
from homeward.ingest.media.stretches import Footage, Stretch
from homeward.ingest.ports import CameraState as Remembered
from homeward.ingest.ports import Owed, SourceLostError
from homeward.ingest.status.figures import Counts, FigureBook
from homeward.ingest.status.metrics import CameraMetrics
from homeward.ingest.status.report import OwnedCamera, Standing
from homeward.ingest.status.teller import EXTRA_S, StatusTeller
from homeward.shared.clock import SystemClock
from homeward.shared.events import Event, decode, encode
from homeward.shared.instants import from_duration, from_timestamp
from homeward.shared.runtime.producer import DeliveryError
from homewardapi.camera.v1 import camera_status_pb2
from homewardapi.camera.v1.camera_status_pb2 import CameraAlarm, CameraState, CameraStatus
from support.recording import NOON, Connection, ManualClock, frames, live
from support.recording import World as Studio

WANTED = OwnedCamera(Standing.WANTED)


class Roster:
    def __init__(self) -> None:
        self.owned: dict[str, OwnedCamera] = {}
        self.removed: set[str] = set()

    def cameras(self) -> Mapping[str, OwnedCamera]:
        return dict(self.owned)

    def is_removed(self, camera_id: str) -> bool:
        return camera_id in self.removed


class Log:
    """What Kafka holds, unless it is away."""

    def __init__(self) -> None:
        self.away = False
        self.events: list[Event] = []

    def send(self, events: Sequence[Event]) -> None:
        if self.away:
            raise DeliveryError("not delivered: homeward.camera-status.v1")
        self.events += [_through_the_wire(event) for event in events]

    def take(self) -> list[CameraStatus | None]:
        """The messages since the last look."""
        messages = []
        for event in self.events:
            assert event.message is None or isinstance(event.message, CameraStatus)
            messages.append(event.message)
        self.events = []
        return messages

    def one(self) -> CameraStatus:
        (message,) = self.take()
        assert message is not None
        return message


def _through_the_wire(event: Event) -> Event:
    record = encode(event)
    return decode(event.topic, record.key, record.value, record.headers)


class World:
    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.roster = Roster()
        self.book = FigureBook()
        self.spool = DiskSpool(folder, 1_000_000)
        self.log = Log()
        self.registry = CollectorRegistry()
        self.metrics = CameraMetrics(self.registry, self.book, self.clock, oldest=self.spool.oldest)
        self.teller = self.start()

    def start(self) -> StatusTeller:
        self.teller = StatusTeller(self.roster, self.book, self.spool, self.log, self.metrics, clock=self.clock)
        return self.teller

    def own(self, camera_id: str = "cam-1", camera: OwnedCamera = WANTED) -> None:
        self.roster.owned[camera_id] = camera

    def pass_s(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.sleep(1)
            self.turn()

    def turn(self) -> None:
        batch = self.teller.turn()
        if batch:
            self.teller.tell(batch)

    def scrape(self) -> str:
        return generate_latest(self.registry).decode()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "spool")


def connect(world: World, camera_id: str = "cam-1", *, audio: str | None = None) -> None:
    world.book.of(camera_id).connected("hevc", audio, 1920, 1080)


def gap(camera_id: str, begins: datetime, seconds: int) -> Stretch:
    return Stretch(camera_id, begins, begins + timedelta(seconds=seconds), Cause.SOURCE_LOST)


def clip(camera_id: str, begins: datetime) -> Stretch:
    footage = Footage(1000, "00" * 32, "hevc", 1920, 1080, 250, 5, timedelta(seconds=2))
    return Stretch(camera_id, begins, begins + timedelta(seconds=10), footage)


def test_a_status_comes_each_minute_and_each_camera_has_its_own_moment(world: World) -> None:
    names = [f"cam-{index}" for index in range(300)]
    for name in names:
        world.own(name)
    world.turn()
    world.log.take()
    seen: dict[str, list[datetime]] = {name: [] for name in names}
    busiest = 0
    for _ in range(181):
        world.pass_s(1)
        told = world.log.take()
        busiest = max(busiest, len(told))
        for message in told:
            assert message is not None
            seen[message.camera_id].append(from_timestamp(message.measured_at))
    assert {len(times) for times in seen.values()} <= {3, 4}
    for times in seen.values():
        assert all(timedelta(seconds=59) <= b - a <= timedelta(seconds=61) for a, b in pairwise(times))
    assert busiest < 20


def test_figures_are_those_of_the_minute(world: World) -> None:
    world.own(camera=OwnedCamera(Standing.WANTED, epoch=7))
    connect(world, audio="aac")
    world.pass_s(121)
    world.log.take()
    figures = world.book.of("cam-1")
    for index in range(60 * 25):
        figures.packet(20_000, video=True, missing=0)
        if index % 10 == 0:
            figures.packet(100, video=False, missing=2 if index == 50 else 0)
    figures.clock(timedelta(seconds=-1, milliseconds=-500), 12.5)
    world.pass_s(60)
    told = world.log.one()
    assert told.state == camera_status_pb2.CAMERA_STATE_RECORDING
    assert (told.optional_epoch, told.optional_codec, told.optional_audio_codec) == (7, "hevc", "aac")
    assert (told.optional_width_px, told.optional_height_px) == (1920, 1080)
    assert told.bits_per_s == pytest.approx((1500 * 20_000 + 150 * 100) * 8 / 60, rel=0.02)
    assert told.frames_per_s == pytest.approx(25, rel=0.02)
    assert told.packets_lost == 2
    assert from_duration(told.optional_clock_offset) == timedelta(seconds=-1.5)
    assert told.optional_clock_drift_ppm == 12.5
    assert set(told.alarms) == {
        camera_status_pb2.CAMERA_ALARM_PACKETS_LOST,
        camera_status_pb2.CAMERA_ALARM_CLOCK_OFFSET,
    }
    world.pass_s(60)
    assert world.log.one().packets_lost == 0


def test_what_is_not_known_is_left_out(world: World) -> None:
    world.own()
    world.pass_s(1)
    told = world.log.one()
    assert told.state == camera_status_pb2.CAMERA_STATE_CONNECTING
    known = {field.name for field, _ in told.ListFields()}
    assert [name for name in known if name.startswith("optional_")] == []


def test_a_change_is_told_at_once_and_a_flicker_once_in_a_while(world: World) -> None:
    world.own()
    world.pass_s(100)
    world.log.take()
    connect(world)
    world.pass_s(1)
    assert world.log.one().state == camera_status_pb2.CAMERA_STATE_RECORDING
    for second in range(int(EXTRA_S) * 2):
        figures = world.book.of("cam-1")
        if second % 2:
            connect(world)
        else:
            figures.disconnected()
        world.pass_s(1)
    # At the most two more changes, and the minute's own.
    assert len(world.log.take()) <= 3


@pytest.mark.parametrize(
    ("camera", "connected", "state"),
    [
        (OwnedCamera(Standing.DISABLED), False, "DISABLED"),
        (OwnedCamera(Standing.REFUSED), False, "REFUSED"),
        (WANTED, True, "RECORDING"),
        (WANTED, False, "CONNECTING"),
        (OwnedCamera(Standing.WANTED, schedule=Schedule.weekly(time_zone("UTC"), [])), False, "OFF_SCHEDULE"),
        (OwnedCamera(Standing.WANTED, schedule=Schedule.weekly(time_zone("UTC"), [(0, 10080)])), False, "CONNECTING"),
        (OwnedCamera(Standing.WANTED, live=False), False, "CONNECTING"),
    ],
)
def test_the_state_is_what_the_recorder_does(world: World, camera: OwnedCamera, state: str, *, connected: bool) -> None:
    world.own(camera=camera)
    if connected:
        connect(world)
    world.pass_s(1)
    assert CameraState.Name(world.log.one().state) == f"CAMERA_STATE_{state}"


def test_a_recording_that_was_read_to_its_end_is_done(world: World) -> None:
    world.own(camera=OwnedCamera(Standing.WANTED, live=False))
    world.spool.remember("cam-1", Remembered(NOON, "identity", complete=True))
    world.pass_s(1)
    assert world.log.one().state == camera_status_pb2.CAMERA_STATE_DONE


def test_a_camera_that_sends_nothing_all_minute_is_an_alarm_unless_it_shall_rest(world: World) -> None:
    world.own("dark")
    world.own("resting", OwnedCamera(Standing.DISABLED))
    world.pass_s(181)
    last = {message.camera_id: message for message in world.log.take() if message is not None}
    assert list(last["dark"].alarms) == [camera_status_pb2.CAMERA_ALARM_NOT_RECORDED]
    assert list(last["resting"].alarms) == []


@pytest.mark.parametrize(
    ("offset_s", "drift", "alarms"),
    [
        (0.9, 199.0, []),
        (-1.1, None, [camera_status_pb2.CAMERA_ALARM_CLOCK_OFFSET]),
        (None, -201.0, [camera_status_pb2.CAMERA_ALARM_CLOCK_DRIFT]),
    ],
)
def test_a_clock_that_is_off_is_an_alarm(
    world: World, offset_s: float | None, drift: float | None, alarms: list[CameraAlarm.ValueType]
) -> None:
    world.own()
    connect(world)
    world.book.of("cam-1").clock(None if offset_s is None else timedelta(seconds=offset_s), drift)
    world.pass_s(1)
    assert list(world.log.one().alarms) == alarms


def test_through_is_up_to_what_waits_first(world: World) -> None:
    world.own()
    world.pass_s(1)
    world.log.take()
    first, second = gap("cam-1", NOON, 10), gap("cam-1", NOON + timedelta(seconds=10), 10)
    for stretch in (first, second):
        world.spool.add(stretch, None, Remembered(stretch.ends_at), replayable=False)
    world.pass_s(61)
    told = world.log.one()
    assert from_timestamp(told.optional_through) == NOON
    assert (told.spool_stretches, told.spool_bytes > 0) == (2, True)
    assert "homeward_ingest_spool_oldest_age_s 52.0" in world.scrape()
    for _ in range(2):
        entry = world.spool.claim(0)
        assert entry is not None
        world.spool.free(entry)
    world.pass_s(60)
    told = world.log.one()
    assert from_timestamp(told.optional_through) == second.ends_at
    assert (told.spool_stretches, told.spool_bytes) == (0, 0)


def test_nothing_is_said_to_be_told_while_earlier_time_is_owed(world: World) -> None:
    world.own()
    first = gap("cam-1", NOON, 10)
    owed = Owed(NOON, Cause.RECORDER_DOWN)
    world.spool.add(first, None, Remembered(first.ends_at, owed=owed), replayable=False)
    world.pass_s(1)
    assert not world.log.one().HasField("optional_through")


def test_a_recorder_counts_what_comes_and_says_when_it_ends(tmp_path: Path) -> None:
    world = Studio(tmp_path)
    sent = [replace(one, packet=one.packet._replace(size_bytes=100)) for one in frames(250)]
    sent[200] = replace(sent[200], packet=sent[200].packet._replace(missing=3))
    world.record([Connection(sent, ends=SourceLostError("camera cam-1: gone"))], live())
    figures = world.book.of("cam-1")
    assert figures.counts() == Counts(bits=250 * 100 * 8, frames=250, packets_lost=3)
    assert figures.connection is not None
    assert figures.connection.codec == "h264"
    assert not figures.is_connected


class Stuck:
    """A producer that never comes back."""

    def __init__(self) -> None:
        self.asked = threading.Event()

    def send(self, events: Sequence[Event]) -> None:
        del events
        self.asked.set()
        threading.Event().wait(30)


def test_a_kafka_that_hangs_keeps_neither_figures_nor_the_end_of_the_service_waiting(world: World) -> None:
    world.own()
    stuck, stop = Stuck(), threading.Event()
    teller = StatusTeller(world.roster, world.book, world.spool, stuck, world.metrics, clock=SystemClock())
    part = threading.Thread(target=teller.run, args=(stop,))
    part.start()
    assert stuck.asked.wait(5)
    stop.set()
    part.join(5)
    assert not part.is_alive()
    assert 'homeward_ingest_cameras{state="connecting"} 1.0' in world.scrape()


def test_the_last_clip_is_the_last_that_was_announced(world: World) -> None:
    world.own()
    world.pass_s(1)
    last = clip("cam-1", NOON)
    for stretch in (
        clip("cam-1", NOON - timedelta(seconds=10)),
        last,
        gap("cam-1", last.ends_at, 5),
        clip("cam-2", NOON),
    ):
        world.book.announced(stretch)
    world.log.take()
    world.pass_s(60)
    assert world.log.one().optional_last_clip_id == last.clip_id


def test_a_removed_camera_leaves_the_table_and_a_moved_one_does_not(world: World) -> None:
    world.own("moved")
    world.own("removed")
    world.pass_s(1)
    world.log.take()
    world.roster.owned.clear()
    world.roster.removed.add("removed")
    world.pass_s(1)
    (event,) = world.log.events
    assert (event.key, event.message) == ("removed", None)
    world.log.take()
    world.roster.removed.add("moved")
    world.pass_s(1)
    assert [event.key for event in world.log.events] == ["moved"]
    world.pass_s(120)
    assert len(world.log.take()) == 1


def test_a_camera_that_was_removed_while_nothing_ran_leaves_the_table(world: World) -> None:
    world.spool.remember("gone", Remembered(NOON))
    world.start()
    world.pass_s(1)
    assert world.log.take() == []
    world.roster.removed.add("gone")
    world.pass_s(5)
    assert world.log.take() == [None]


def test_while_kafka_is_away_statuses_are_skipped_and_removals_kept(world: World) -> None:
    world.own()
    world.own("removed")
    world.pass_s(1)
    world.log.take()
    world.log.away = True
    del world.roster.owned["removed"]
    world.roster.removed.add("removed")
    world.pass_s(180)
    assert "homeward_ingest_statuses_skipped_total 3.0" in world.scrape()
    world.log.away = False
    world.pass_s(1)
    assert world.log.take() == [None]
    world.pass_s(60)
    assert world.log.one().camera_id == "cam-1"


def test_a_wall_clock_that_is_set_back_keeps_no_status_back(world: World) -> None:
    world.own()
    world.pass_s(1)
    world.log.take()
    world.clock.set(datetime(2026, 11, 23, 6, tzinfo=UTC))
    world.pass_s(120)
    assert len(world.log.take()) >= 2


def test_metrics_name_a_camera_by_its_id_until_it_leaves(world: World) -> None:
    world.own()
    world.own("cam-2")
    connect(world, audio="aac")
    world.spool.add(gap("cam-1", NOON, 10), None, Remembered(NOON), replayable=False)
    world.book.of("cam-1").clock(timedelta(seconds=6), 3.5)
    world.book.of("cam-1").packet(1000, video=True, missing=4)
    world.book.announced(clip("cam-1", NOON - timedelta(seconds=20)))
    world.pass_s(1)
    scrape = world.scrape()
    for line in (
        'homeward_ingest_cameras{state="recording"} 1.0',
        'homeward_ingest_cameras{state="connecting"} 1.0',
        'homeward_ingest_cameras_alarmed{alarm="clock_offset"} 1.0',
        'homeward_ingest_camera_clock_offset_s{camera_id="cam-1"} 6.0',
        'homeward_ingest_camera_clock_drift_ppm{camera_id="cam-1"} 3.5',
        'homeward_ingest_camera_packets_lost_total{camera_id="cam-1"} 4.0',
        'homeward_ingest_camera_last_clip_age_s{camera_id="cam-1"} 11.0',
        'homeward_ingest_camera_stream_info{audio_codec="aac",camera_id="cam-1",codec="hevc"} 1.0',
        'homeward_ingest_camera_width_px{camera_id="cam-1"} 1920.0',
        'homeward_ingest_camera_height_px{camera_id="cam-1"} 1080.0',
        'homeward_ingest_camera_spool_stretches{camera_id="cam-1"} 1.0',
        'homeward_ingest_camera_spool_bytes{camera_id="cam-1"} 4096.0',
    ):
        assert line in scrape
    # What a camera sends is not known before it was connected.
    assert 'homeward_ingest_camera_width_px{camera_id="cam-2"}' not in scrape
    del world.roster.owned["cam-1"]
    world.pass_s(1)
    assert "cam-1" not in world.scrape()
    assert "cam-2" in world.scrape()
