"""RTP packets: their header and their sequence numbers (RFC 3550, section 5.1 and appendix A.1)."""

import struct
from dataclasses import dataclass
from typing import Final

HEADER: Final = struct.Struct(">BBHII")
"""Version and flags, marker and payload type, sequence number, time stamp, source."""

PLAIN: Final = 0x80
"""The first byte of a packet of version 2 without padding, extension or contributing sources: nearly all."""

_SPACE: Final = 1 << 16
_MOST_LOST: Final = 3000
"""A greater step ahead is a stream that began anew (appendix A.1, MAX_DROPOUT)."""
_MOST_LATE: Final = 100
"""A packet that is later than by this many is no straggler (appendix A.1, MAX_MISORDER)."""

LATE: Final = -1
"""What `Sequence.step` says of a packet that came twice or too late: it is to be ignored."""


def payload_span(packet: memoryview, start: int, end: int) -> tuple[int, int] | None:
    """Return where the payload of the packet at `start` to `end` lies; None where the packet contradicts itself."""
    first = packet[start]
    if first >> 6 != 2:  # noqa: PLR2004 - the version
        return None
    at = start + HEADER.size + 4 * (first & 0x0F)
    if first & 0x10:
        if at + 4 > end:
            return None
        at += 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")
    if first & 0x20:
        padding = packet[end - 1]
        if padding == 0:
            return None
        end -= padding
    return (at, end) if at <= end else None


class Sequence:
    """Follows one stream's sequence numbers."""

    def __init__(self) -> None:
        self.expected: int | None = None
        self.lost = 0
        self.received = 0
        self.turns = 0
        self._anew: int | None = None

    def begin(self, first: int) -> None:
        """Expect `first`, which the camera announced."""
        self.expected = first

    def step(self, number: int) -> int:
        """Return how many packets were lost before this one; LATE where it is to be ignored."""
        ahead = 0 if self.expected is None else (number - self.expected) % _SPACE
        if ahead >= _MOST_LOST:
            if ahead >= _SPACE - _MOST_LATE:
                return LATE
            if number != self._anew:
                # One number out of the blue may be a damaged packet; two in a row are a stream that began anew.
                self._anew = (number + 1) % _SPACE
                return LATE
            # How many were lost nobody knows; the one that was ignored is one of them.
            ahead = 1
        self._anew = None
        self.lost += ahead
        self.received += 1
        if number == _SPACE - 1:
            self.turns += 1
        self.expected = (number + 1) % _SPACE
        return ahead

    @property
    def highest(self) -> int:
        """The highest number received, with the turns of the counter: 32 bits."""
        last = ((self.expected or 0) - 1) % _SPACE
        turns = self.turns - 1 if last == _SPACE - 1 else self.turns
        return (max(turns, 0) % _SPACE) * _SPACE + last


@dataclass(frozen=True, slots=True)
class _Waiting:
    number: int
    since_s: float
    packet: bytes


class Reorderer:
    """Puts the packets of a datagram transport into their order: waits for one that is missing, but not for long."""

    LONGEST_S: Final = 0.1
    """How long a missing packet is waited for: switched networks reorder within some milliseconds."""
    MOST: Final = 128
    """How many packets are kept back at the most: a third of a second at 4 Mbit/s, and 180 KB."""

    def __init__(self) -> None:
        self._expected: int | None = None
        self._waiting: dict[int, _Waiting] = {}

    @property
    def waiting(self) -> bool:
        """Whether packets are kept back."""
        return bool(self._waiting)

    def in_turn(self, number: int) -> bool:
        """Whether the packet of this `number` may go on at once; it is then taken to have gone."""
        if self._waiting or (self._expected is not None and number != self._expected):
            return False
        self._expected = (number + 1) % _SPACE
        return True

    def keep(self, number: int, packet: bytes, now_s: float) -> list[bytes]:
        """Keep a packet that is out of turn; return those that may now go on, in order."""
        if (number - (self._expected or 0)) % _SPACE >= _SPACE - _MOST_LATE:
            return []
        self._waiting.setdefault(number, _Waiting(number, now_s, packet))
        return self.due(now_s)

    def due(self, now_s: float) -> list[bytes]:
        """Return the packets that may go on, in order: those in turn, and those that have waited long enough."""
        ready: list[bytes] = []
        while self._waiting:
            found = self._waiting.pop(self._expected or 0, None)
            if found is None:
                oldest = min(waiting.since_s for waiting in self._waiting.values())
                if now_s - oldest < self.LONGEST_S and len(self._waiting) <= self.MOST:
                    break
                expected = self._expected or 0
                self._expected = min(self._waiting, key=lambda number: (number - expected) % _SPACE)
                continue
            ready.append(found.packet)
            self._expected = (found.number + 1) % _SPACE
        return ready
