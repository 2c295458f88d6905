"""How often somebody may do something, kept in memory within bounds."""

import math
import threading
from collections import OrderedDict
from typing import Final

from homeward.access.errors import TooManyError
from homeward.access.sentence import Sentence
from homeward.shared.clock import Clock

_MOST_KEYS: Final = 10_000
"""Keys remembered at once: about 2 MB, and more clients than a site has."""

_ROUNDING_S: Final = 1e-4
"""More than sums of seconds since 1970 are rounded by, and less than anybody notices."""


class RateLimiter:
    """Lets each key through `per_minute` times a minute, evenly, and `burst` times at once. Safe for several threads.

    It remembers one instant a key: when the key's debt is paid (the generic cell rate algorithm). A process counts by
    itself: of n replicas each lets the rate through. Of more than `most_keys` keys in debt the longest idle one is
    forgotten, so that memory is bounded; whoever holds that many addresses is no matter for a limit by address.
    """

    def __init__(self, clock: Clock, *, per_minute: int, burst: int, most_keys: int = _MOST_KEYS) -> None:
        self._clock = clock
        self._interval_s = 60.0 / per_minute
        self._tolerance_s = self._interval_s * (burst - 1)
        self._most_keys = most_keys
        self._paid_at: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, key: str) -> float:
        """Count one by `key` and return 0, or return in how many seconds the next one is let through, uncounted."""
        now = self._clock.monotonic()
        with self._lock:
            paid_at = max(self._paid_at.get(key, now), now)
            wait = paid_at - now - self._tolerance_s
            if wait > _ROUNDING_S:
                return wait
            self._paid_at[key] = paid_at + self._interval_s
            self._paid_at.move_to_end(key)
            self._forget(now)
        return 0.0

    def check(self, key: str) -> None:
        """Count one by `key`; raise TooManyError when it is too often."""
        wait = self.wait_s(key)
        if wait > 0:
            seconds = math.ceil(wait)
            raise TooManyError(
                "too_often", Sentence("too many requests; try again in {seconds} s", {"seconds": seconds}), seconds
            )

    def _forget(self, now: float) -> None:
        # Whoever has paid is like somebody never seen; those at the front were seen the longest ago.
        while self._paid_at and (len(self._paid_at) > self._most_keys or next(iter(self._paid_at.values())) <= now):
            self._paid_at.popitem(last=False)
