"""When a frame was taken: a recording's from its first frame, a camera's from when its packets came."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final, Protocol

from homeward.ingest.packets import Jump, ticks_to_span

RESYNC_AFTER: Final = timedelta(seconds=5)
"""How far a camera's clock may fall behind before its clips are placed anew, with the difference told as a gap."""

SLEW: Final = Fraction(1, 200)
"""How much of a clip's length is taken to follow a camera's clock: 50 ms in 10 s, a hundred times a bad quartz."""

LONGEST_HONEST_LEAP: Final = timedelta(hours=24)
"""A recording that leaps further ahead is taken to have broken time stamps, not a day without a frame."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of wall time. `resynced` says that it was placed anew and leaves a gap behind it."""

    starts_at: datetime
    ends_at: datetime
    resynced: bool = False


class Timeline(Protocol):
    """Turns a stream's own time into wall time."""

    def media(self, pts: int) -> timedelta:
        """Return the stream's time at `pts`, from an origin that holds until the timeline is dropped."""
        ...

    def observe(self, media: timedelta, arrived: datetime) -> None:
        """Take note that the frame of `media` arrived at `arrived`."""
        ...

    def jumped(self, jump: Jump, pts: int, after: timedelta) -> None:
        """Take note that the stream's time stamps broke: the packet with `pts` follows the stream's time `after`."""
        ...

    def place(self, begins: timedelta, ends: timedelta, floor: datetime | None) -> Span:
        """Return where the stretch of the stream lies, never before `floor`, and not empty."""
        ...


class RecordingTimeline:
    """A recording's time: the first frame's is given, all others follow from their time stamps and nothing else.

    So the same file gives the same times however often it is read.
    """

    def __init__(self, time_base: Fraction, starts_at: datetime) -> None:
        """`starts_at` is when the first frame was taken."""
        self._time_base = time_base
        self._starts_at = starts_at
        self._origin: int | None = None
        self._shift = timedelta(0)

    def media(self, pts: int) -> timedelta:
        """Return the time since the first frame."""
        if self._origin is None:
            self._origin = pts
        return ticks_to_span(pts - self._origin, self._time_base) + self._shift

    def at(self, media: timedelta) -> datetime:
        """Return when the frame of `media` was taken."""
        return self._starts_at + media

    def observe(self, media: timedelta, arrived: datetime) -> None:
        """Do nothing: when a recording is read says nothing of when it was taken."""

    def jumped(self, jump: Jump, pts: int, after: timedelta) -> None:
        """Close up what went back or leapt beyond belief; believe a leap ahead, as of a recorder that motion wakes."""
        leap = self.media(pts) - after
        if jump is Jump.BACK or leap > LONGEST_HONEST_LEAP:
            self._shift -= leap

    def place(self, begins: timedelta, ends: timedelta, floor: datetime | None) -> Span:
        """Return the stretch as its time stamps tell it."""
        start = self.at(begins) if floor is None else max(floor, self.at(begins))
        return Span(start, max(self.at(ends), start + timedelta(microseconds=1)))


class LiveTimeline:
    """A camera's time: when its packets came, smoothed.

    A frame cannot come before it was taken, so the least delayed packet of a clip tells best when the stream's time
    began. The first clip after a connection is placed by it alone, which sees through the frames that were kept back
    while the connection was made. Each later clip begins where the one before ended and is stretched or shortened by
    at most SLEW of its length, so that clips stay seamless while the camera's clock drifts.
    """

    def __init__(self, time_base: Fraction) -> None:
        """`time_base` is the stream's, seconds a tick."""
        self._time_base = time_base
        self._origin: int | None = None
        self._zero: datetime | None = None
        self._least_delayed: datetime | None = None

    def media(self, pts: int) -> timedelta:
        """Return the time since the first packet, by the stream's own stamps."""
        if self._origin is None:
            self._origin = pts
        return ticks_to_span(pts - self._origin, self._time_base)

    def observe(self, media: timedelta, arrived: datetime) -> None:
        """Take note that the frame of `media` arrived at `arrived`."""
        zero = arrived - media
        if self._least_delayed is None or zero < self._least_delayed:
            self._least_delayed = zero

    def jumped(self, jump: Jump, pts: int, after: timedelta) -> None:  # noqa: ARG002 - the port's
        """Forget what was learnt: the next clip is placed by its own packets."""
        self._zero = self._least_delayed = None

    def place(self, begins: timedelta, ends: timedelta, floor: datetime | None) -> Span:
        """Return where the clip lies, and begin to learn anew for the next one."""
        measured, self._least_delayed = self._least_delayed, None
        if measured is None:
            raise RuntimeError("no packet of the clip was observed")
        length = max(ends - begins, timedelta(microseconds=1))
        if self._zero is None:
            return self._anchor(measured, begins, length, floor, resynced=False)
        lag = measured - self._zero
        if lag > RESYNC_AFTER:
            return self._anchor(measured, begins, length, floor, resynced=True)
        most = length * SLEW.numerator / SLEW.denominator
        correction = max(-most, min(most, lag))
        starts_at = self._zero + begins
        start = starts_at if floor is None else max(floor, starts_at)
        self._zero += correction + (start - starts_at)
        return Span(start, start + max(length + correction, timedelta(microseconds=1)))

    def _anchor(
        self, measured: datetime, begins: timedelta, length: timedelta, floor: datetime | None, *, resynced: bool
    ) -> Span:
        start = measured + begins if floor is None else max(floor, measured + begins)
        self._zero = start - begins
        return Span(start, start + length, resynced=resynced)
