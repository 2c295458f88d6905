import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.cli.weekly import DAYS, InvalidScheduleError, format_schedule, parse_schedule
from homewardapi.camera.v1.camera_pb2 import Schedule

WEEK = 7 * 1440


def minutes(schedule: Schedule) -> set[int]:
    return {
        ((span.weekday - 1) * 1440 + minute) % WEEK
        for span in schedule.spans
        for minute in range(span.from_minute, span.until_minute)
    }


def hours(*spans: tuple[int, int, int]) -> set[int]:
    """Minutes of the week, of days from Monday 0 and hours."""
    return {(day * 1440 + minute) % WEEK for day, begin, end in spans for minute in range(begin * 60, end * 60)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "mon-fri 07:00-19:00; sat 08:00-14:00",
            hours(*((day, 7, 19) for day in range(5)), (5, 8, 14)),
        ),
        ("daily 22:00-06:00", hours(*((day, 22, 30) for day in range(7)))),
        ("sun,tue 00:00-24:00", hours((6, 0, 24), (1, 0, 24))),
        ("sat-mon 9:00-12:00, 13:00-17:00", hours(*((day, *at) for day in (5, 6, 0) for at in ((9, 12), (13, 17))))),
        ("Wed 08:00-08:00", hours((2, 8, 32))),
    ],
)
def test_hours_of_the_week(text: str, expected: set[int]) -> None:
    schedule = parse_schedule(text, "Asia/Taipei")
    assert schedule.time_zone == "Asia/Taipei"
    assert minutes(schedule) == expected


@pytest.mark.parametrize(
    "text", ["", "mon", "mon 7-19", "mo 07:00-19:00", "mon 07:00-25:00", "mon 24:00-12:00", "07:00-19:00", "mon-fri;"]
)
def test_another_text_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidScheduleError, match="mon-fri 07:00-19:00"):
        parse_schedule(text, "UTC")


@pytest.mark.parametrize("zone", ["", "Taipei", "Mars/Olympus", "../etc/passwd", "Asia"])
def test_another_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(InvalidScheduleError, match="Asia/Taipei"):
        parse_schedule("mon 07:00-19:00", zone)


CLOCK = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
TIMES = st.lists(st.builds("{}-{}".format, CLOCK, CLOCK), min_size=1, max_size=3).map(",".join)
PART = st.builds("{} {}".format, st.sampled_from([*DAYS, "mon-fri", "sat-mon", "daily", "tue,thu"]), TIMES)


@settings(max_examples=50, deadline=None)
@given(st.lists(PART, min_size=1, max_size=3).map("; ".join))
def test_what_is_told_is_read_back(text: str) -> None:
    schedule = parse_schedule(text, "Europe/Berlin")
    assert minutes(parse_schedule(format_schedule(schedule), "Europe/Berlin")) == minutes(schedule)


def test_a_schedule_is_told_in_few_words() -> None:
    text = "mon-fri 07:00-19:00; sat 08:00-14:00"
    assert format_schedule(parse_schedule(text, "UTC")) == text
    assert format_schedule(parse_schedule("mon-sun 22:00-06:00", "UTC")) == "daily 22:00-06:00"
    assert format_schedule(Schedule(time_zone="UTC")) == "never"
