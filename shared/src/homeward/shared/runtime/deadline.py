"""One budget of time shared by everything that must end before it is over."""

from datetime import timedelta

from homeward.shared.clock import Clock


class Deadline:
    """`budget` from now on. Steps that share it cannot together take longer, however many they are."""

    def __init__(self, clock: Clock, budget: timedelta) -> None:
        self._clock = clock
        self._ends_at = clock.monotonic() + budget.total_seconds()

    def remaining_s(self) -> float:
        """Return the seconds left, never less than 0."""
        return max(0.0, self._ends_at - self._clock.monotonic())

    def passed(self) -> bool:
        """Whether the budget is spent."""
        return self.remaining_s() <= 0
