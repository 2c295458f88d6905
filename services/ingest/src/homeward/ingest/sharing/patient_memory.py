"""What was owned last, on a disk that may refuse to take it."""

from typing import Final

from homeward.ingest.sharing.assignment import TenureMemory
from homeward.ingest.sharing.membership import Memory
from homeward.shared.clock import Clock
from homeward.shared.telemetry.logging import get_logger

_AGAIN_S: Final = 5.0
"""How long a disk that refused is left alone."""

_log = get_logger()


class PatientMemory:
    """Remembers as soon as the disk lets it. For one thread at a time.

    Until then the next start knows an older state: it takes its partitions anew, and tells the time in between as that
    of a recorder that was down. Nothing that is told depends on it.
    """

    def __init__(self, memory: TenureMemory, clock: Clock) -> None:
        self._memory = memory
        self._clock = clock
        self._unsaved: Memory | None = None
        self._again_s = 0.0

    def recall(self) -> Memory:
        """Return what was remembered; nothing where there is nothing. Raises OSError."""
        return self._memory.recall()

    def remember(self, memory: Memory) -> None:
        """Remember durably, now or by a later `offer`."""
        refused = self._unsaved is not None
        self._unsaved = memory
        try:
            self._memory.remember(memory)
        except OSError as error:
            self._again_s = self._clock.monotonic() + _AGAIN_S
            if not refused:
                _log.error("what is owned cannot be remembered", error=error)
        else:
            self._unsaved = None

    def offer(self) -> None:
        """Offer to the disk once more what it did not take. Called often; costs nothing where there is nothing."""
        if self._unsaved is not None and self._clock.monotonic() >= self._again_s:
            self.remember(self._unsaved)
