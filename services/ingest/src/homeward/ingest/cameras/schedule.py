"""The hours of a week in which a camera is recorded, by the wall clock of its own time zone. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from homeward.ingest.cameras.time_zones import time_zone
from homeward.shared.instants import require_aware
from homewardapi.camera.v1 import camera_pb2

DAY_MINUTES: Final = 24 * 60
WEEK_MINUTES: Final = 7 * DAY_MINUTES

_WEEK: Final = timedelta(days=7)
_SECOND: Final = timedelta(seconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_STEP: Final = timedelta(hours=3)
"""How far the clock of a zone is followed at once. A zone whose offset changes and changes back within it would be
missed; the shortest such change on record lasted days."""

_HORIZON: Final = 4 * _WEEK
"""Every schedule that is neither always nor never changes within it: an hour that the clock leaps over in one week is
there in the next."""


class ScheduleRefusedError(ValueError):
    """A schedule that says no hours of a week."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The hours recorded: `spans` are minutes of the week from Monday 0:00, [begin, end), apart and in order.

    They are read off the zone's wall clock: what the clock shows twice in autumn is recorded twice, and what it leaps
    over in spring is not there.
    """

    zone: ZoneInfo
    spans: tuple[tuple[int, int], ...]

    @classmethod
    def weekly(cls, zone: ZoneInfo, spans: Iterable[tuple[int, int]]) -> "Schedule":
        """Return the schedule of `spans` in minutes of the week; one may reach past the week's end into the next."""
        return cls(zone, tuple(_merged(spans)))

    def records_at(self, at: datetime) -> bool:
        """Whether the camera is recorded at `at`."""
        local = require_aware(at).astimezone(self.zone)
        minute = local.weekday() * DAY_MINUTES + local.hour * 60 + local.minute
        return any(begin <= minute < end for begin, end in self.spans)

    def next_change(self, after: datetime) -> datetime | None:
        """Return the first instant past `after` from which on `records_at` answers otherwise; None when none comes."""
        if self.spans in ((), ((0, WEEK_MINUTES),)):
            return None
        at = require_aware(after)
        records = self.records_at(at)
        horizon = at + _HORIZON
        while at < horizon:
            at = self._next_boundary(at)
            if self.records_at(at) != records:
                return at
        return None

    def _next_boundary(self, at: datetime) -> datetime:
        """Return an instant past `at` before which nothing changes: an edge, a change of the offset or neither."""
        local = at.astimezone(self.zone)
        into_week = timedelta(
            days=local.weekday(),
            hours=local.hour,
            minutes=local.minute,
            seconds=local.second,
            microseconds=local.microsecond,
        )
        edges = (timedelta(minutes=edge) for span in self.spans for edge in span)
        # An edge that is now, or was, comes again in a week.
        step = min(
            (edge - into_week if edge > into_week else edge - into_week + _WEEK for edge in edges), default=_STEP
        )
        then = at + min(step, _STEP)
        if self._offset(then) == self._offset(at):
            return then
        # Offsets change on whole seconds of UTC.
        before_s, after_s = (at - _EPOCH) // _SECOND, (then - _EPOCH) // _SECOND
        old = self._offset(at)
        while after_s - before_s > 1:
            middle_s = (before_s + after_s) // 2
            if self._offset(_EPOCH + middle_s * _SECOND) == old:
                before_s = middle_s
            else:
                after_s = middle_s
        return _EPOCH + after_s * _SECOND

    def _offset(self, at: datetime) -> timedelta | None:
        return at.astimezone(self.zone).utcoffset()


def schedule_of(message: camera_pb2.Schedule) -> Schedule:
    """Return what `message` says; raise ScheduleRefusedError or UnknownTimeZoneError with the reason."""
    return Schedule.weekly(time_zone(message.time_zone), [_minutes(span) for span in message.spans])


def _minutes(span: camera_pb2.WeeklySpan) -> tuple[int, int]:
    if not camera_pb2.WEEKDAY_MONDAY <= span.weekday <= camera_pb2.WEEKDAY_SUNDAY:
        raise ScheduleRefusedError("a span of the schedule names no day of the week")
    if span.from_minute >= DAY_MINUTES:
        raise ScheduleRefusedError("a span of the schedule begins at none of the day's minutes, 0 to 1439")
    if not span.from_minute < span.until_minute <= 2 * DAY_MINUTES:
        raise ScheduleRefusedError(
            "a span of the schedule does not end after it begins, or ends later than the next day: give the minute "
            "of its end from the beginning of its own day, 2880 at the most"
        )
    begin = (span.weekday - camera_pb2.WEEKDAY_MONDAY) * DAY_MINUTES
    return begin + span.from_minute, begin + span.until_minute


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the minutes of the week that `spans` cover, as few spans in order; what passes the week's end wraps."""
    edges = {0, WEEK_MINUTES}
    wrapped: list[tuple[int, int]] = []
    for begin, end in spans:
        wrapped.append((begin, min(end, WEEK_MINUTES)))
        if end > WEEK_MINUTES:
            wrapped.append((0, end - WEEK_MINUTES))
    for span in wrapped:
        edges.update(span)
    open_at: int | None = None
    for begin, end in pairwise(sorted(edges)):
        covered = any(first <= begin and end <= last for first, last in wrapped)
        if covered and open_at is None:
            open_at = begin
        if not covered and open_at is not None:
            yield open_at, begin
            open_at = None
    if open_at is not None:
        yield open_at, WEEK_MINUTES
