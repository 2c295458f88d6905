"""A camera's life by events alone: it is added, switched off, put to rest, changed and removed."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from homeward.cli.eventlog import EventLog
from homeward.shared.events import removal
from homeward.shared.instants import to_duration, to_timestamp
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.topics import CAMERA_STATUS, CAMERAS
from homewardapi.camera.v1.camera_pb2 import WEEKDAY_MONDAY, Camera, Schedule
from homewardapi.camera.v1.camera_status_pb2 import CameraState, CameraStatus
from homewardapi.clip.v1.clip_pb2 import Clip
from support.ingest_process import IngestProcess
from support.ingest_world import IngestWorld, camera, once, running_world
from support.rtsp_server import RtspCamera
from support.told import gaps, told
from support.video import make_video

PATIENCE_S = 60


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IngestWorld]:
    with running_world(tmp_path_factory.mktemp("life")) as running:
        yield running


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RtspCamera]:
    with RtspCamera(make_video(tmp_path_factory.mktemp("source") / "source.mp4", gop=10, seconds=10)) as served:
        yield served


class Life:
    """One camera as its operator sees it."""

    def __init__(self, world: IngestWorld, source: RtspCamera, name: str) -> None:
        self.world = world
        self.name = name
        self.wanted = camera(name, source.url)
        self.replica = world.replica(name)

    def say(self, change: Callable[[Camera], None] = lambda _: None) -> None:
        change(self.wanted)
        self.wanted.changed_at.CopyFrom(to_timestamp(datetime.now(UTC)))
        self.world.announce(self.wanted)

    def remove(self) -> None:
        producer = EventProducer(self.world.broker.kafka)
        producer.send([removal(CAMERAS, f"removal of {self.name}", "test", datetime.now(UTC), self.name)])
        producer.close()

    def clips(self) -> list[Clip]:
        return once(self.world.clips().get(self.name, []))

    def footage(self) -> int:
        return sum(clip.HasField("stored") for clip in self.clips())

    def status(self) -> CameraStatus | None:
        event = EventLog(self.world.broker.kafka).state(CAMERA_STATUS).get(self.name)
        return event.message if event is not None and isinstance(event.message, CameraStatus) else None

    def state(self) -> str:
        status = self.status()
        return "" if status is None else CameraState.Name(status.state).removeprefix("CAMERA_STATE_")

    def until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f"{what}\n{self.replica.log_tail(40)}"
            time.sleep(0.3)

    def until_recorded(self, clips: int = 1) -> None:
        """Wait for `clips` more clips."""
        before = self.footage()
        self.until(lambda: self.footage() >= before + clips, "it is recorded")

    def until_state(self, state: str) -> None:
        self.until(lambda: self.state() == state, f"it is told as {state}")


@pytest.fixture
def life(world: IngestWorld, source: RtspCamera, request: pytest.FixtureRequest) -> Iterator[Life]:
    """A camera of the test's own, which leaves with it: other tests' replicas would record it."""
    found = Life(world, source, request.node.name.removeprefix("test_").replace("_", "-")[:40].strip("-"))
    yield found
    found.replica.kill()
    found.remove()


def seconds(span: timedelta) -> float:
    return span.total_seconds()


def set_schedule(camera: Camera, *, on: bool) -> None:
    schedule = Schedule(time_zone="Asia/Taipei")
    for day in range(7 if on else 0):
        schedule.spans.add(weekday=WEEKDAY_MONDAY + day, from_minute=0, until_minute=1440)
    camera.optional_schedule.CopyFrom(schedule)


def test_a_camera_is_added_switched_off_put_to_rest_changed_and_removed(life: Life) -> None:
    with life.replica:
        life.say()
        life.until_recorded()
        life.until_state("RECORDING")

        life.say(lambda wanted: setattr(wanted, "enabled", False))
        life.until_state("DISABLED")
        disabled_for_s = 3
        time.sleep(disabled_for_s)
        life.say(lambda wanted: setattr(wanted, "enabled", True))
        life.until_recorded()
        life.until_state("RECORDING")

        life.say(lambda wanted: set_schedule(wanted, on=False))
        life.until_state("OFF_SCHEDULE")
        time.sleep(2)
        life.say(lambda wanted: set_schedule(wanted, on=True))
        life.until_recorded()

        life.say(lambda wanted: wanted.clip_length.CopyFrom(to_duration(timedelta(seconds=5))))
        # What was open before the change, a first clip up to this camera's moment, and a whole one.
        life.until_recorded(3)
        life.remove()
        life.until(lambda: life.status() is None, "its status is removed")
        time.sleep(1)
        life.until(_still(life.footage), "nothing more is recorded")
        assert life.replica.stop() == 0

    stretches = told(life.clips())
    found = gaps(stretches)
    assert [gap.what for gap in found if gap.what in {"DISABLED", "NOT_SCHEDULED"}] == ["DISABLED", "NOT_SCHEDULED"]
    lasted = {gap.what: seconds(gap.lasts) for gap in found}
    assert disabled_for_s - 1 < lasted["DISABLED"] < disabled_for_s + 12
    lengths = [seconds(one.lasts) for one in stretches if one.what == "footage"]
    assert min(lengths[:2]) < 3
    # A clip follows the camera's clock by up to 0.5 %.
    assert max(lengths[-3:]) > 4.97


def _still(count: Callable[[], int]) -> Callable[[], bool]:
    def still() -> bool:
        before = count()
        time.sleep(3)
        return count() == before

    return still


@pytest.mark.slow
def test_a_schedule_ends_and_begins_a_recording_by_itself(life: Life) -> None:
    """The next minute is in the schedule, the one after is not."""
    now = datetime.now(UTC)
    first = (now + timedelta(minutes=1)).replace(second=0, microsecond=0)
    if first - now < timedelta(seconds=15):
        first += timedelta(minutes=1)
    schedule = Schedule(time_zone="UTC")
    begin = first.hour * 60 + first.minute
    schedule.spans.add(weekday=WEEKDAY_MONDAY + first.weekday(), from_minute=begin, until_minute=begin + 1)
    life.wanted.optional_schedule.CopyFrom(schedule)
    with life.replica:
        life.say()
        life.until_state("OFF_SCHEDULE")
        assert life.clips() == []
        over = first + timedelta(minutes=2)
        while life.state() != "OFF_SCHEDULE" or life.footage() < 10:
            assert datetime.now(UTC) < over, life.replica.log_tail(40)
            time.sleep(1)
        assert life.replica.stop() == 0
    stretches = told(life.clips())
    footage = [one for one in stretches if one.what == "footage"]
    # When a picture was taken is measured, and no better than to a tenth of a second as a camera begins.
    assert -0.2 < seconds(footage[0].starts_at - first) < 8
    end = first + timedelta(minutes=1)
    assert abs(seconds(footage[-1].ends_at - end)) < 2.5


def test_a_refused_camera_is_told_and_named_and_its_url_is_not(life: Life) -> None:
    life.wanted.clip_length.CopyFrom(to_duration(timedelta(minutes=10)))
    with life.replica:
        life.say()
        life.until_state("REFUSED")
        life.say(lambda wanted: wanted.clip_length.CopyFrom(to_duration(timedelta(seconds=2))))
        life.until_recorded()
        life.until_state("RECORDING")
        assert life.replica.stop() == 0
    log = life.replica.log.read_text()
    assert f"camera {life.name}: the clip length" in log
    assert life.wanted.source.url not in log


@pytest.mark.slow
def test_a_status_tells_what_is_recorded(life: Life) -> None:

    def whole() -> bool:
        status = life.status()
        if status is None or not status.HasField("optional_last_clip_id"):
            return False
        # The first status of a start may come before the log was asked what was told up to then.
        return status.HasField("optional_through") and status.frames_per_s > 0

    with life.replica:
        life.say()
        deadline = time.monotonic() + 130
        while not whole():
            assert time.monotonic() < deadline, life.replica.log_tail(40)
            time.sleep(1)
        status = life.status()
        assert life.replica.stop() == 0
    assert status is not None
    assert status.optional_codec == "h264"
    assert (status.optional_width_px > 0, status.optional_height_px > 0) == (True, True)
    assert status.bits_per_s > 1000
    assert status.HasField("optional_epoch")
    clips = {clip.clip_id: clip for clip in life.clips()}
    assert status.optional_last_clip_id in clips
    through: Timestamp = status.optional_through
    assert through.ToDatetime() >= clips[status.optional_last_clip_id].ends_at.ToDatetime()
    assert list(status.alarms) == []


def test_what_was_changed_while_nothing_ran_holds_at_the_next_start(life: Life) -> None:
    process: IngestProcess = life.replica
    with process:
        life.say()
        life.until_recorded()
        assert process.stop() == 0
    life.say(lambda wanted: setattr(wanted, "enabled", False))
    with process:
        life.until_state("DISABLED")
        assert process.stop() == 0
    life.remove()
    with process:
        life.until(lambda: life.status() is None, "its status is removed")
        before = life.footage()
        time.sleep(3)
        assert life.footage() == before
        assert process.stop() == 0
