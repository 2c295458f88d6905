from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.ingest.cameras.schedule import WEEK_MINUTES, Schedule, ScheduleRefusedError, schedule_of
from homeward.ingest.cameras.time_zones import UnknownTimeZoneError
from homewardapi.camera.v1 import camera_pb2
from homewardapi.camera.v1.camera_pb2 import Weekday, WeeklySpan

MINUTE = timedelta(minutes=1)
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Asia/Taipei",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Kathmandu",
)
TRANSITIONS = (
    ("Europe/Berlin", "2026-03-29"),
    ("Europe/Berlin", "2026-10-25"),
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("Australia/Lord_Howe", "2026-04-05"),
    ("Africa/Casablanca", "2026-02-15"),
)


def message(*spans: tuple[Weekday.ValueType, int, int], zone: str = "Europe/Berlin") -> camera_pb2.Schedule:
    return camera_pb2.Schedule(
        time_zone=zone,
        spans=[WeeklySpan(weekday=day, from_minute=begin, until_minute=end) for day, begin, end in spans],
    )


def berlin(*when: int, fold: int = 0) -> datetime:
    year, month, day, hour, minute = when
    local = datetime(year, month, day, hour, minute, tzinfo=ZoneInfo("Europe/Berlin"), fold=fold)
    return local.astimezone(UTC)


def changes(schedule: Schedule, after: datetime, count: int) -> list[datetime]:
    found = []
    for _ in range(count):
        change = schedule.next_change(after)
        assert change is not None
        found.append(change)
        after = change
    return found


def test_office_hours_are_those_of_the_cameras_own_clock() -> None:
    schedule = schedule_of(message((camera_pb2.WEEKDAY_MONDAY, 8 * 60, 18 * 60)))
    assert not schedule.records_at(berlin(2026, 11, 23, 7, 59))
    assert schedule.records_at(berlin(2026, 11, 23, 8, 0))
    assert schedule.records_at(berlin(2026, 11, 23, 18, 0) - timedelta(microseconds=1))
    assert not schedule.records_at(berlin(2026, 11, 23, 18, 0))
    assert not schedule.records_at(berlin(2026, 11, 24, 12, 0))
    assert changes(schedule, berlin(2026, 11, 20, 12, 0), 3) == [
        berlin(2026, 11, 23, 8, 0),
        berlin(2026, 11, 23, 18, 0),
        berlin(2026, 11, 30, 8, 0),
    ]


def test_a_night_reaches_into_the_next_day_and_the_next_week() -> None:
    schedule = schedule_of(message((camera_pb2.WEEKDAY_SUNDAY, 22 * 60, 30 * 60)))
    assert changes(schedule, berlin(2026, 11, 21, 0, 0), 2) == [berlin(2026, 11, 22, 22, 0), berlin(2026, 11, 23, 6, 0)]
    assert schedule.records_at(berlin(2026, 11, 23, 0, 0))


def test_two_whole_days_from_one_span() -> None:
    schedule = schedule_of(message((camera_pb2.WEEKDAY_SATURDAY, 0, 2880)))
    assert changes(schedule, berlin(2026, 11, 23, 0, 0), 2) == [berlin(2026, 11, 28, 0, 0), berlin(2026, 11, 30, 0, 0)]


def test_spans_that_touch_or_overlap_are_one() -> None:
    schedule = schedule_of(
        message(
            (camera_pb2.WEEKDAY_MONDAY, 600, 720),
            (camera_pb2.WEEKDAY_MONDAY, 660, 780),
            (camera_pb2.WEEKDAY_MONDAY, 780, 800),
            (camera_pb2.WEEKDAY_SUNDAY, 1400, 1440 + 30),
            (camera_pb2.WEEKDAY_MONDAY, 20, 40),
        )
    )
    assert schedule.spans == ((0, 40), (600, 800), (6 * 1440 + 1400, WEEK_MINUTES))
    # The week's end is no change.
    assert changes(schedule, berlin(2026, 11, 29, 23, 30), 1) == [berlin(2026, 11, 30, 0, 40)]


@pytest.mark.parametrize("spans", [(), tuple((day, 0, 1440) for day in range(1, 8))])
def test_never_and_always_do_not_change(spans: tuple[tuple[Weekday.ValueType, int, int], ...]) -> None:
    schedule = schedule_of(message(*spans))
    assert schedule.records_at(berlin(2026, 11, 23, 12, 0)) == bool(spans)
    assert schedule.next_change(berlin(2026, 11, 23, 12, 0)) is None


def test_the_hour_that_autumn_shows_twice_is_recorded_twice() -> None:
    schedule = schedule_of(message((camera_pb2.WEEKDAY_SUNDAY, 120, 150)))
    assert changes(schedule, berlin(2026, 10, 24, 12, 0), 4) == [
        berlin(2026, 10, 25, 2, 0),
        berlin(2026, 10, 25, 2, 30),
        berlin(2026, 10, 25, 2, 0, fold=1),
        berlin(2026, 10, 25, 2, 30, fold=1),
    ]


def test_what_spring_leaps_over_is_not_recorded() -> None:
    leapt_over = schedule_of(message((camera_pb2.WEEKDAY_SUNDAY, 135, 165)))
    assert changes(leapt_over, berlin(2026, 3, 23, 12, 0), 1) == [berlin(2026, 4, 5, 2, 15)]
    cut_short = schedule_of(message((camera_pb2.WEEKDAY_SUNDAY, 60, 150)))
    assert changes(cut_short, berlin(2026, 3, 28, 12, 0), 2) == [berlin(2026, 3, 29, 1, 0), berlin(2026, 3, 29, 3, 0)]


@given(
    zone=st.sampled_from(ZONES),
    spans=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 1439), st.integers(1, 2880)), max_size=4),
    after=st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1)),  # noqa: DTZ001 - hypothesis takes no zone
)
@settings(max_examples=30, deadline=None)
def test_nothing_changes_between_two_changes(zone: str, spans: list[tuple[int, int, int]], after: datetime) -> None:
    minutes = [(day * 1440 + begin, day * 1440 + min(begin + length, 2880)) for day, begin, length in spans]
    schedule = Schedule.weekly(ZoneInfo(zone), minutes)
    at = after.replace(tzinfo=UTC)
    change = schedule.next_change(at)
    # Edges and offsets fall on whole minutes in these zones, and `at` lies as far into its minute as each look does.
    until = min(change or at + timedelta(days=8), at + timedelta(days=8))
    look = at
    while look < until:
        local = look.astimezone(ZoneInfo(zone))
        minute = local.weekday() * 1440 + local.hour * 60 + local.minute
        naive = any(begin <= moment < end for begin, end in minutes for moment in (minute, minute + WEEK_MINUTES))
        assert schedule.records_at(look) == naive == schedule.records_at(at)
        look += MINUTE
    if change is not None:
        assert change > at
        assert schedule.records_at(change) != schedule.records_at(change - timedelta(microseconds=1))


@given(
    transition=st.sampled_from(TRANSITIONS),
    begin=st.integers(0, 300),
    length=st.integers(1, 300),
)
@settings(max_examples=30, deadline=None)
def test_a_night_on_which_the_clock_is_set_adds_up(transition: tuple[str, str], begin: int, length: int) -> None:
    schedule = Schedule.weekly(ZoneInfo(transition[0]), [(6 * 1440 + begin, 6 * 1440 + begin + length)])
    first = datetime.fromisoformat(transition[1]).replace(tzinfo=UTC) - timedelta(hours=20)
    until = first + timedelta(hours=48)
    looked = sum(schedule.records_at(first + index * MINUTE) for index in range(48 * 60))
    recorded, at, on = timedelta(0), first, schedule.records_at(first)
    while at < until:
        change = min(schedule.next_change(at) or until, until)
        recorded += change - at if on else timedelta(0)
        at, on = change, not on
    assert recorded == looked * MINUTE


@pytest.mark.parametrize(
    "refused",
    [
        message((camera_pb2.WEEKDAY_UNSPECIFIED, 0, 60)),
        message((camera_pb2.WEEKDAY_MONDAY, 1440, 1500)),
        message((camera_pb2.WEEKDAY_MONDAY, 60, 60)),
        message((camera_pb2.WEEKDAY_MONDAY, 60, 2881)),
    ],
)
def test_a_span_of_no_week_is_refused(refused: camera_pb2.Schedule) -> None:
    with pytest.raises(ScheduleRefusedError, match="span"):
        schedule_of(refused)


def test_a_weekday_to_come_is_refused() -> None:
    unknown = message((camera_pb2.WEEKDAY_MONDAY, 0, 60))
    # A later release's value, as an older one reads it.
    unknown.spans[0].MergeFromString(b"\x08\x08")
    with pytest.raises(ScheduleRefusedError):
        schedule_of(unknown)


@pytest.mark.parametrize("zone", ["", "Asia", "Mars/Olympus", "../etc/passwd", "/etc/passwd", "CEST+1\x00"])
def test_a_zone_that_nobody_knows_is_refused(zone: str) -> None:
    with pytest.raises(UnknownTimeZoneError, match="IANA"):
        schedule_of(message(zone=zone))
