"""How fast partitions are taken: no faster than their cameras can be connected."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

from homeward.ingest.turnstile import SPACING_S
from homeward.shared.clock import Clock

MOST_AT_ONCE: Final = 100
"""Cameras whose partitions are taken together: the turnstile lets them through in a second. Until a partition is taken
its owner before goes on recording, so that what waits here costs nothing, and what waits there is a gap."""


class Arrivals:
    """Lets partitions come as the turnstile lets their cameras through. For one thread.

    Nothing comes before it is known which cameras there are: a partition that is taken is this replica's to record.
    """

    def __init__(self, cameras: Callable[[], Collection[str] | None], clock: Clock) -> None:
        """`cameras` returns the ids of all that are to be recorded; None while they are not known."""
        self._cameras = cameras
        self._clock = clock
        self._room = float(MOST_AT_ONCE)
        self._at_s = clock.monotonic()

    def cameras(self) -> Collection[str] | None:
        """Return the ids of all cameras that are to be recorded; None while they are not known."""
        return self._cameras()

    def admit(self, partitions: Iterable[int], crowd: Mapping[int, int]) -> list[int]:
        """Return which of `partitions` may be taken now; `crowd` is how many cameras each has.

        One with more cameras than are let in at once comes alone.
        """
        now_s = self._clock.monotonic()
        self._room = min(float(MOST_AT_ONCE), self._room + (now_s - self._at_s) / SPACING_S)
        self._at_s = now_s
        admitted: list[int] = []
        for partition in partitions:
            count = crowd.get(partition, 0)
            if count <= self._room or self._room >= MOST_AT_ONCE:
                self._room -= count
                admitted.append(partition)
        return admitted
