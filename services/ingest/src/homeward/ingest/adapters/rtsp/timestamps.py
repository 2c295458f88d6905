"""RTP's 32-bit time stamps, made into ones that never wrap (RFC 3550, section 5.1)."""

from typing import Final

_SPACE: Final = 1 << 32
_HALF: Final = 1 << 31


class Unwrapper:
    """Counts the turns of one track's time stamps: each is taken to lie within half a turn of the one before."""

    def __init__(self) -> None:
        self._last: int | None = None

    def unwrap(self, stamp: int) -> int:
        """Return `stamp` with its turns, and remember it."""
        self._last = self.near(stamp)
        return self._last

    def near(self, stamp: int) -> int:
        """Return `stamp` with the turns that put it nearest to the last one, and leave that as it is."""
        if self._last is None:
            return stamp
        return self._last + (stamp - self._last + _HALF) % _SPACE - _HALF
