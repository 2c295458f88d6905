"""Lets sources be opened one after the other, so that thousands do not come at once."""

import threading
from typing import Final

from homeward.ingest.ports import StopSignal
from homeward.shared.clock import Clock

SPACING_S: Final = 0.01
"""Time between two attempts to connect: 100 a second. A thousand cameras behind one switch that restarts take ten
seconds, which it and they can bear; cameras that move come no faster than they are let through."""


class Turnstile:
    """Gives each caller a time of its own, SPACING_S after the one before. Safe to use from several threads."""

    def __init__(self, clock: Clock, spacing_s: float = SPACING_S) -> None:
        self._clock = clock
        self._spacing_s = spacing_s
        self._lock = threading.Lock()
        self._next_s = 0.0

    def wait(self, stop: StopSignal) -> None:
        """Block until the caller's turn, or until `stop`."""
        with self._lock:
            now_s = self._clock.monotonic()
            turn_s = max(now_s, self._next_s)
            self._next_s = turn_s + self._spacing_s
        if turn_s > now_s:
            stop.wait(turn_s - now_s)
