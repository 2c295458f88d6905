"""Packets as the rules see them: time stamps in ticks of the stream's time base, and which are key frames."""

from datetime import timedelta
from enum import Enum
from fractions import Fraction
from typing import Final, NamedTuple

MICROSECOND: Final = timedelta(microseconds=1)
_MICROSECONDS_A_SECOND: Final = 1_000_000


class Track(Enum):
    """Which of a source's streams a packet belongs to."""

    VIDEO = "video"
    AUDIO = "audio"


# Both packets are named tuples: one of each is made for every packet of every camera, and a frozen dataclass takes
# three times as long to make.


class Packet(NamedTuple):
    """One packet as it came: a time stamp may be absent, `duration` is 0 where the source declares none.

    Times are in ticks of its own track's time base, from the same instant for both tracks. `payload` is the adapter's
    own packet; no rule looks into it. `missing` is how many transport packets are known to be lost between the packet
    before and this one; `damaged` says that the source itself tells that this packet is not whole.
    """

    pts: int | None
    dts: int | None
    duration: int
    key: bool
    payload: object
    track: Track = Track.VIDEO
    size_bytes: int = 0
    missing: int = 0
    damaged: bool = False


class Jump(Enum):
    """How a packet's time stamps break with those before it."""

    BACK = "back"
    AHEAD = "ahead"


class Stamped(NamedTuple):
    """A packet whose time stamps are whole: `dts` rises from packet to packet unless there is a jump, `pts >= dts`.

    `jump` is set on the first packet past a break. `missing` and `damaged` are the packet's.
    """

    pts: int
    dts: int
    duration: int
    key: bool
    payload: object
    jump: Jump | None = None
    missing: int = 0
    damaged: bool = False


def ticks_to_span(ticks: int, time_base: Fraction) -> timedelta:
    """Return `ticks` of `time_base` (seconds a tick) as a time span, to the microsecond below."""
    return timedelta(0, 0, ticks * time_base.numerator * _MICROSECONDS_A_SECOND // time_base.denominator)


def span_to_ticks(span: timedelta, time_base: Fraction) -> int:
    """Return `span` in ticks of `time_base`, to the tick below."""
    return (span // MICROSECOND) * time_base.denominator // (time_base.numerator * _MICROSECONDS_A_SECOND)


class Ticks:
    """One time base, for what is done with each packet: a Fraction takes a microsecond to look into."""

    __slots__ = ("_denominator", "_scaled")

    def __init__(self, time_base: Fraction) -> None:
        """`time_base` is seconds a tick."""
        self._scaled = time_base.numerator * _MICROSECONDS_A_SECOND
        self._denominator = time_base.denominator

    def span(self, ticks: int) -> timedelta:
        """Return `ticks` as a time span, to the microsecond below."""
        return timedelta(0, 0, ticks * self._scaled // self._denominator)
