"""Which of a camera's clips are proven to decode: decoding a key frame costs as much as recording ten seconds."""

from datetime import timedelta
from typing import Final

CHECK_EACH: Final = timedelta(seconds=60)
"""How long an encoder that fails while every packet of it arrives may go unnoticed; a minute of a camera's 30 days."""


class DecodeChecks:
    """Says for each clip of one connection whether its first key frame is to be decoded. For one thread.

    The first clip is checked, then the first that begins so long after the last check, and every clip that begins in
    doubt: after a loss, a break, or a clip that did not decode.
    """

    def __init__(self, each: timedelta) -> None:
        """`each` is how long after a check another is due; at 0 every clip is checked."""
        self._each_s = each.total_seconds()
        self._due_s: float | None = None

    def due(self, now_s: float) -> bool:
        """Whether the clip that begins at the monotonic time `now_s` is to be checked; it is then taken to be."""
        if self._due_s is not None and now_s < self._due_s:
            return False
        self._due_s = now_s + self._each_s
        return True

    def doubt(self) -> None:
        """Have the next clip checked."""
        self._due_s = None
