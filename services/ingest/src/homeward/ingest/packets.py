"""Packets as the rules see them: time stamps in ticks of the stream's time base, and which are key frames."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from fractions import Fraction
from typing import Final

MICROSECOND: Final = timedelta(microseconds=1)
_MICROSECONDS_A_SECOND: Final = 1_000_000


class Track(Enum):
    """Which of a source's streams a packet belongs to."""

    VIDEO = "video"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet as it came: a time stamp may be absent, `duration` is 0 where the source declares none.

    Times are in ticks of its own track's time base. `payload` is the adapter's own packet; no rule looks into it.
    `missing` is how many transport packets are known to be lost between the packet before and this one; `damaged`
    says that the source itself tells that this packet is not whole.
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


@dataclass(frozen=True, slots=True)
class Stamped:
    """A packet whose time stamps are whole: `dts` rises from packet to packet unless there is a jump, `pts >= dts`.

    `jump` is set on the first packet past a break.
    """

    pts: int
    dts: int
    duration: int
    key: bool
    payload: object
    jump: Jump | None = None


def ticks_to_span(ticks: int, time_base: Fraction) -> timedelta:
    """Return `ticks` of `time_base` (seconds a tick) as a time span, to the microsecond below."""
    return (ticks * time_base.numerator * _MICROSECONDS_A_SECOND // time_base.denominator) * MICROSECOND


def span_to_ticks(span: timedelta, time_base: Fraction) -> int:
    """Return `span` in ticks of `time_base`, to the tick below."""
    return (span // MICROSECOND) * time_base.denominator // (time_base.numerator * _MICROSECONDS_A_SECOND)
