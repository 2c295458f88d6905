"""What became of a camera's time, stretch by stretch, without overlap and without a hole."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from homeward.ingest.media.timeline import Span


class Cause(Enum):
    """Why there is no footage; the names are those of the contract's GapCause."""

    SOURCE_UNREACHABLE = "source_unreachable"
    SOURCE_LOST = "source_lost"
    CORRUPT = "corrupt"
    RECORDER_DOWN = "recorder_down"
    SPOOL_OVERFLOW = "spool_overflow"
    CLOCK_JUMP = "clock_jump"
    PACKETS_LOST = "packets_lost"
    NOT_SCHEDULED = "not_scheduled"
    DISABLED = "disabled"
    NOT_IMPORTED = "not_imported"


@dataclass(frozen=True, slots=True)
class GapSpan:
    """A stretch without footage."""

    starts_at: datetime
    ends_at: datetime
    cause: Cause


class Coverage:
    """Follows one camera's time. `through` is where the last stretch ended, None before the first.

    `cause` is why nothing is recorded at present; it names the gap that the next stretch closes.
    """

    def __init__(self, through: datetime | None, cause: Cause) -> None:
        self.through = through
        self.cause = cause

    def open_from(self, at: datetime) -> None:
        """Begin to account for time at `at`, unless that was begun already."""
        if self.through is None:
            self.through = at

    def gap_until(self, at: datetime) -> GapSpan | None:
        """Return the gap from the last stretch to `at`, which then counts as told; None where there is none.

        A clock that was set back gives none until it has caught up.
        """
        if self.through is None or at <= self.through:
            return None
        gap = GapSpan(self.through, at, self.cause)
        self.through = at
        return gap

    def footage(self, span: Span) -> GapSpan | None:
        """Take note of footage; return the gap before it, None where there is none.

        Raises ValueError when the footage overlaps what was told before.
        """
        if self.through is not None and span.starts_at < self.through:
            raise ValueError("the footage overlaps the stretch before it")
        if span.resynced:
            self.cause = Cause.CLOCK_JUMP
        gap = self.gap_until(span.starts_at)
        self.through = span.ends_at
        return gap
