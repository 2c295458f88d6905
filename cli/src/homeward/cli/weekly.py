"""A camera's hours of the week, as an operator writes and reads them: mon-fri 07:00-19:00; sat 08:00-14:00."""

import re
from collections.abc import Iterator, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from homewardapi.camera.v1.camera_pb2 import Schedule, Weekday, WeeklySpan

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES: Final = 24 * 60

_DAILY: Final = "daily"
_TIMES: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)-(?:([01]?\d|2[0-3]):([0-5]\d)|(24):(00))")
_HOW: Final = "write days and times, as in 'mon-fri 07:00-19:00; sat 08:00-14:00' or 'daily 22:00-06:00'"


class InvalidScheduleError(ValueError):
    """A text that says no hours of a week; it says what to write instead."""


def parse_schedule(text: str, time_zone: str) -> Schedule:
    """Return the schedule that `text` says, by the wall clock of `time_zone`; raise InvalidScheduleError.

    An end that is not after its beginning is on the next day.
    """
    try:
        ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError):
        raise InvalidScheduleError(
            f"{time_zone!r} is no time zone: use a name of the IANA database, such as Asia/Taipei"
        ) from None
    spans = [span for part in text.split(";") for span in _part(part.strip())]
    return Schedule(time_zone=time_zone, spans=spans)


def format_schedule(schedule: Schedule) -> str:
    """Return what `parse_schedule` reads back as the same hours of the week; "never" for none."""
    times = {
        day: ",".join(f"{_clock(span.from_minute)}-{_end(span)}" for span in schedule.spans if span.weekday == day + 1)
        for day in range(len(DAYS))
    }
    parts: list[str] = []
    day = 0
    while day < len(DAYS):
        last = day
        while last + 1 < len(DAYS) and times[last + 1] == times[day]:
            last += 1
        if times[day]:
            parts.append(f"{_days(day, last)} {times[day]}")
        day = last + 1
    return "; ".join(parts) or "never"


def _part(text: str) -> Iterator[WeeklySpan]:
    days, _, times = text.partition(" ")
    for day in _named_days(days.lower()):
        for one in times.strip().split(","):
            begins, ends = _minutes(one.strip())
            yield WeeklySpan(weekday=Weekday.ValueType(day), from_minute=begins, until_minute=ends)


def _named_days(text: str) -> Sequence[int]:
    """Return the numbers of days, Monday 1, each once and in order of the week."""
    if text == _DAILY:
        return range(1, len(DAYS) + 1)
    found: set[int] = set()
    for one in text.split(","):
        first, dash, last = one.partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            raise InvalidScheduleError(f"{one!r} names no days of the week: {_HOW}")
        begin = DAYS.index(first)
        length = (DAYS.index(last) - begin) % len(DAYS) if dash else 0
        found.update((begin + step) % len(DAYS) + 1 for step in range(length + 1))
    return sorted(found)


def _minutes(text: str) -> tuple[int, int]:
    match = _TIMES.fullmatch(text)
    if match is None:
        raise InvalidScheduleError(f"{text!r} is no stretch of a day: {_HOW}")
    begins = int(match[1]) * 60 + int(match[2])
    ends = int(match[3] or match[5]) * 60 + int(match[4] or match[6])
    return begins, ends if ends > begins else ends + DAY_MINUTES


def _days(first: int, last: int) -> str:
    if (first, last) == (0, len(DAYS) - 1):
        return _DAILY
    return DAYS[first] if first == last else f"{DAYS[first]}-{DAYS[last]}"


def _end(span: WeeklySpan) -> str:
    """Return the clock at the end; only another program makes a span of more than a day."""
    end = span.until_minute if span.until_minute <= DAY_MINUTES else span.until_minute - DAY_MINUTES
    return _clock(end) + ("+1d" if span.until_minute - span.from_minute > DAY_MINUTES else "")


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
