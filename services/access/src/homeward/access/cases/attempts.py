"""How often somebody may try."""

import threading
from collections import OrderedDict
from typing import Final

from homeward.access.errors import TooManyError
from homeward.shared.clock import Clock

_MINUTE_S: Final = 60.0
_CLIENTS_MAX: Final = 10_000
"""Clients remembered; the longest silent is forgotten first."""


class Attempts:
    """Counts attempts of each client in the running minute. Safe to use from several threads."""

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def take(self, client: str) -> None:
        """Count one attempt of `client`; raise TooManyError when it is one too many."""
        now = self._clock.monotonic()
        with self._lock:
            since, count = self._seen.pop(client, (now, 0))
            if now - since >= _MINUTE_S:
                since, count = now, 0
            self._seen[client] = (since, min(count + 1, self._per_minute + 1))
            while len(self._seen) > _CLIENTS_MAX:
                self._seen.popitem(last=False)
        if count >= self._per_minute:
            wait_s = max(1, int(since + _MINUTE_S - now + 0.5))
            raise TooManyError("attempts", "too many attempts; wait a minute", wait_s)
