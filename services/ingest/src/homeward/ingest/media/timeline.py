"""When a frame was taken: a recording's from its first frame, a camera's by its own clock or when its packets came."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from fractions import Fraction
from typing import Final, Protocol

from homeward.ingest.media.packets import MICROSECOND, Jump, Ticks

RESYNC_AFTER: Final = timedelta(seconds=5)
"""How far a camera's clock may fall behind before its clips are placed anew, with the difference told as a gap."""

LEAP_AFTER: Final = timedelta(seconds=1)
"""How far a camera's own clock may be set ahead before it counts as a jump. Sender reports are true to milliseconds, so
more than this is a clock that was set; less is followed as drift is."""

TRUSTED_WITHIN: Final = timedelta(seconds=5)
"""How far a camera's own clock may be from the recorder's and still place its clips."""

AGREES_WITHIN: Final = timedelta(milliseconds=100)
"""How far from what the camera's clock says a clip may lie and still count as placed by it."""

SLEW: Final = Fraction(1, 200)
"""How much of a clip's length is taken to follow a camera's clock: 50 ms in 10 s, a hundred times a bad quartz."""

LONGEST_HONEST_LEAP: Final = timedelta(hours=24)
"""A recording that leaps further ahead is taken to have broken time stamps, not a day without a frame."""


class TimeSource(Enum):
    """By whose clock a clip was placed; the names are those of the contract's TimeSource."""

    SENDER = "sender"
    ARRIVAL = "arrival"
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of wall time. `resynced` says that it was placed anew and leaves a gap behind it."""

    starts_at: datetime
    ends_at: datetime
    resynced: bool = False
    source: TimeSource = TimeSource.ARRIVAL


@dataclass(frozen=True, slots=True)
class ClockSample:
    """How far ahead of the recorder's clock a camera's is, by the least delayed packet of a clip.

    `told` says that the camera told its time; without, `ahead` counts from an unknown origin. `trusted` says that it
    is near enough to place clips by.
    """

    ahead: timedelta
    told: bool
    trusted: bool


class Timeline(Protocol):
    """Turns a stream's own time into wall time."""

    def media(self, pts: int) -> timedelta:
        """Return the stream's time at `pts`, from an origin that holds until the timeline is dropped."""
        ...

    def observe(self, media: timedelta, arrived: datetime) -> None:
        """Take note that the frame of `media` arrived at `arrived`."""
        ...

    def tell(self, media: timedelta, sent: datetime) -> None:
        """Take note that by the camera's own clock the frame of `media` was taken at `sent`."""
        ...

    def sample(self) -> ClockSample | None:
        """Return what the clip that was placed last tells of the camera's clock; None where there is nothing to."""
        ...

    @property
    def behind(self) -> timedelta:
        """How far the camera's time runs behind the recorder's: 0 unless it is the camera's own clock that places."""
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
        self._ticks = Ticks(time_base)
        self._starts_at = starts_at
        self._origin: int | None = None
        self._shift = timedelta(0)
        self.behind = timedelta(0)

    def media(self, pts: int) -> timedelta:
        """Return the time since the first frame."""
        if self._origin is None:
            self._origin = pts
        return self._ticks.span(pts - self._origin) + self._shift

    def at(self, media: timedelta) -> datetime:
        """Return when the frame of `media` was taken."""
        return self._starts_at + media

    def observe(self, media: timedelta, arrived: datetime) -> None:
        """Do nothing: when a recording is read says nothing of when it was taken."""

    def tell(self, media: timedelta, sent: datetime) -> None:
        """Do nothing: a recording's start is given."""

    def sample(self) -> ClockSample | None:
        """Return None."""
        return None

    def jumped(self, jump: Jump, pts: int, after: timedelta) -> None:
        """Close up what went back or leapt beyond belief; believe a leap ahead, as of a recorder that motion wakes."""
        leap = self.media(pts) - after
        if jump is Jump.BACK or leap > LONGEST_HONEST_LEAP:
            self._shift -= leap

    def place(self, begins: timedelta, ends: timedelta, floor: datetime | None) -> Span:
        """Return the stretch as its time stamps tell it."""
        start = self.at(begins) if floor is None else max(floor, self.at(begins))
        return Span(start, max(self.at(ends), start + MICROSECOND), source=TimeSource.IMPORT)


class LiveTimeline:
    """A camera's time: by its own clock where it tells it and is near the recorder's, else by when its packets came.

    A frame cannot come before it was taken, so the least delayed packet of a clip tells best when the stream's time
    began. The first clip after a connection is placed by it alone, which sees through the frames that were kept back
    while the connection was made; or by the camera's clock alone. Each later clip begins where the one before ended and
    is stretched or shortened by at most SLEW of its length, so that clips stay seamless while clocks drift, and while
    one clock takes over from the other. A clock that was set ahead leaves a gap; one that was set back is followed
    slowly, since footage must not overlap.
    """

    def __init__(self, time_base: Fraction, trusted_within: timedelta = TRUSTED_WITHIN) -> None:
        """`time_base` is the stream's, seconds a tick; `trusted_within` is how wrong a camera's own clock may be."""
        self._ticks = Ticks(time_base)
        self._trusted_within = trusted_within
        self._origin: int | None = None
        self._zero: datetime | None = None
        """When the stream's time began, as the clips so far have it."""
        self._least_delayed: datetime | None = None
        self._sent: datetime | None = None
        """When the stream's time began by the camera's clock, as it was first told in this clip."""
        self._sent_before: datetime | None = None
        """The same of the clip before, where its clock was trusted."""
        self._first_arrival: datetime | None = None
        self._sample: ClockSample | None = None
        self.behind = timedelta(0)

    def media(self, pts: int) -> timedelta:
        """Return the time since the first packet, by the stream's own stamps."""
        if self._origin is None:
            self._origin = pts
        return self._ticks.span(pts - self._origin)

    def observe(self, media: timedelta, arrived: datetime) -> None:
        """Take note that the frame of `media` arrived at `arrived`."""
        zero = arrived - media
        if self._least_delayed is None or zero < self._least_delayed:
            self._least_delayed = zero

    def tell(self, media: timedelta, sent: datetime) -> None:
        """Take note that by the camera's own clock the frame of `media` was taken at `sent`."""
        if self._sent is None:
            self._sent = sent - media

    def sample(self) -> ClockSample | None:
        """Return what the clip that was placed last tells of the camera's clock."""
        return self._sample

    def jumped(self, jump: Jump, pts: int, after: timedelta) -> None:  # noqa: ARG002 - the port's
        """Forget what was learnt: the next clip is placed by its own packets."""
        self._zero = self._least_delayed = self._sent = self._sent_before = self._first_arrival = None

    def place(self, begins: timedelta, ends: timedelta, floor: datetime | None) -> Span:
        """Return where the clip lies, and begin to learn anew for the next one."""
        arrival, self._least_delayed = self._least_delayed, None
        if arrival is None:
            raise RuntimeError("no packet of the clip was observed")
        sent = self._trusted(arrival)
        sent_before, self._sent_before = self._sent_before, sent
        length = max(ends - begins, MICROSECOND)
        before, correction = self._zero, timedelta(0)
        resynced = before is not None and self._leapt(arrival, before, sent, sent_before)
        measured = arrival if sent is None else sent
        if before is None or resynced:
            zero = measured
        else:
            zero = before
            most = length * SLEW.numerator / SLEW.denominator
            correction = max(-most, min(most, measured - zero))
        wanted = zero + begins
        start = wanted if floor is None else max(floor, wanted)
        zero += start - wanted
        by_sender = sent is not None and abs(zero - sent) <= AGREES_WITHIN
        self._zero = zero + correction
        self.behind = max(timedelta(0), arrival - self._zero) if sent is not None else timedelta(0)
        source = TimeSource.SENDER if by_sender else TimeSource.ARRIVAL
        return Span(start, start + max(length + correction, MICROSECOND), resynced=resynced, source=source)

    def _trusted(self, arrival: datetime) -> datetime | None:
        """Return when the stream's time began by the camera's clock; None where it does not tell or is too far off."""
        sent, self._sent = self._sent, None
        if sent is None:
            self._first_arrival = self._first_arrival or arrival
            self._sample = ClockSample(self._first_arrival - arrival, told=False, trusted=False)
            return None
        ahead = sent - arrival
        trusted = abs(ahead) <= self._trusted_within
        self._sample = ClockSample(ahead, told=True, trusted=trusted)
        return sent if trusted else None

    def _leapt(self, arrival: datetime, zero: datetime, sent: datetime | None, sent_before: datetime | None) -> bool:
        """Whether the clock that places the clip was set ahead, or the clips fell far behind it."""
        lag = (arrival if sent is None else sent) - zero
        if sent is not None and sent_before is not None and sent - sent_before > LEAP_AFTER:
            return lag > LEAP_AFTER
        return lag > RESYNC_AFTER
