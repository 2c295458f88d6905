"""How long to wait before the same event is tried again."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential growth from `first` to `longest`, each wait drawn between half of it and the whole.

    The draw keeps replicas that failed together from coming back together; the half keeps a retry from being at once.
    """

    first: timedelta = timedelta(milliseconds=200)
    longest: timedelta = timedelta(seconds=30)
    draw: Callable[[], float] = field(default=random.random)

    def wait_s(self, attempt: int, retry_after: timedelta | None = None) -> float:
        """Return the seconds to wait after failed attempt number `attempt`, counted from 1.

        `retry_after` is a floor: the cause is known to last that long.
        """
        # 2**31 of any first wait is past the longest, and a float holds it.
        whole_s = min(self.longest.total_seconds(), self.first.total_seconds() * 2.0 ** min(attempt - 1, 31))
        floor_s = 0.0 if retry_after is None else retry_after.total_seconds()
        return max(floor_s, whole_s * (1 + self.draw()) / 2)
