"""Time as a collaborator, so that no rule reads the machine's clock by itself."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What a use case asks of time. Every method returns at once, except `sleep`."""

    def now(self) -> datetime:
        """Return the wall-clock time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards, for deadlines and durations."""
        ...

    def sleep(self, seconds: float) -> None:
        """Block for `seconds`; 0 or less returns at once."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        """Return the wall-clock time, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds of the monotonic clock."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block for `seconds`."""
        if seconds > 0:
            time.sleep(seconds)
