"""Where a clip begins and ends: on key frames alone, so that nothing has to be encoded anew."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from itertools import pairwise
from typing import Final

LONGEST_PAST_WANTED: Final = timedelta(seconds=60)
"""How long a clip may wait for its last key frame; cameras that save bandwidth send one each 10 to 30 s."""


class Verdict(Enum):
    """What becomes of a packet."""

    SKIP = "skip"
    """No clip is open and this packet cannot begin one."""
    START = "start"
    """The packet begins a clip; none was open."""
    CONTINUE = "continue"
    """The packet belongs to the open clip."""
    CUT = "cut"
    """The packet ends the open clip and begins the next one, at the same instant."""
    ABANDON = "abandon"
    """No key frame came for too long: the open clip ends, and the packet belongs to none."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted over one clip. Times are the stream's own, from any origin that stays the same."""

    begins: timedelta
    ends: timedelta
    frame_count: int
    key_frame_count: int
    key_frame_interval: timedelta


class _Open:
    """The clip being filled."""

    def __init__(self, begins: timedelta) -> None:
        self.begins = begins
        self.frames = 0
        self.keys: list[timedelta] = []
        self.tail = begins

    def add(self, at: timedelta, lasts: timedelta, *, key: bool) -> None:
        self.frames += 1
        self.tail = max(self.tail, at + lasts)
        if key:
            self.keys.append(at)

    def tally(self, ends: timedelta) -> Tally:
        marks = [*sorted(self.keys), ends]
        interval = max((after - before for before, after in pairwise(marks)), default=timedelta(0))
        return Tally(self.begins, ends, self.frames, len(self.keys), max(interval, timedelta(0)))


class Cutter:
    """Decides for each packet, in decoding order, what becomes of it, and counts each clip.

    A clip begins at a key frame's presentation time and ends where the next clip begins. Frames of an open group of
    pictures that are shown before their key frame stay with it, as they were sent, at times before the clip's start.
    """

    def __init__(self, wanted: timedelta, longest: timedelta | None = None, *, first: timedelta | None = None) -> None:
        """A clip ends on the first key frame at or after `wanted`; past `longest` it is abandoned.

        `first` is the wanted length of the first clip, where it is another.
        """
        self._wanted = wanted
        self._ends_after = first or wanted
        self._longest = longest or wanted + LONGEST_PAST_WANTED
        self._open: _Open | None = None
        self._closed: Tally | None = None

    @property
    def is_open(self) -> bool:
        """Whether a clip is being filled."""
        return self._open is not None

    def offer(self, at: timedelta, lasts: timedelta, *, key: bool, hold: bool = False) -> Verdict:
        """Return what becomes of a packet shown at `at` for `lasts`, which is above 0.

        With `hold` no clip ends on this packet, unless it is to be abandoned.

        After CUT and ABANDON, `closed` returns the count of the clip that ended.
        """
        if self._open is None:
            if not key:
                return Verdict.SKIP
            self._begin(at, lasts)
            return Verdict.START
        age = at - self._open.begins
        if key and age >= self._ends_after and not hold:
            self._closed = self._open.tally(at)
            self._ends_after = self._wanted
            self._begin(at, lasts)
            return Verdict.CUT
        if age > self._longest:
            self._closed = self.end()
            return Verdict.ABANDON
        self._open.add(at, lasts, key=key)
        return Verdict.CONTINUE

    def closed(self) -> Tally:
        """Return the count of the clip that the last CUT or ABANDON ended."""
        if self._closed is None:
            raise RuntimeError("no clip has been closed")
        return self._closed

    def end(self) -> Tally | None:
        """End the open clip where its last frame ends; return its count, or None when no clip is open."""
        if self._open is None:
            return None
        tally = self._open.tally(self._open.tail)
        self._open = None
        self._ends_after = self._wanted
        return tally

    def _begin(self, at: timedelta, lasts: timedelta) -> None:
        self._open = _Open(at)
        self._open.add(at, lasts, key=True)
