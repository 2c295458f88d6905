"""When footage was taken, from the name of its file. Pure, and never by guess."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final

_PROBE: Final = datetime(2026, 11, 23, 20, 50, 37, 123456, tzinfo=UTC)
"""No two of its numbers are alike, so that a pattern that leaves one out or confuses two gives another time."""


class NamePatternError(ValueError):
    """A pattern that does not tell when a file's first frame was taken; the text says what to write instead."""


class NameRefusedError(ValueError):
    """A name of which a pattern does not tell the time; the text says why, and does not repeat the name."""


@dataclass(frozen=True, slots=True)
class NamePattern:
    """How names tell time: `text` in the codes of C's strptime, read by the wall clock of `zone` unless it holds %z."""

    text: str
    zone: tzinfo = UTC

    def __post_init__(self) -> None:
        # A time that is written by the pattern must be read back, at least to its minute.
        try:
            read = datetime.strptime(_PROBE.strftime(self.text), self.text)  # noqa: DTZ007 - most names hold no zone
        except ValueError:
            read = None
        if read is None or read.replace(second=0, microsecond=0, tzinfo=UTC) != _PROBE.replace(second=0, microsecond=0):
            raise NamePatternError(
                "the pattern of file names does not tell year, month, day, hour and minute; write it in strptime's "
                'codes, such as "cam1-%Y%m%d-%H%M%S"'
            )

    def taken_at(self, stem: str) -> datetime:
        """Return, in UTC, the time that the name without its ending tells; raise NameRefusedError.

        A time that the zone's clock shows twice, or leaps over, is refused rather than guessed.
        """
        try:
            read = datetime.strptime(stem, self.text)  # noqa: DTZ007 - the zone is looked at below
        except ValueError:
            raise NameRefusedError("the name does not match the pattern") from None
        if read.tzinfo is not None:
            return read.astimezone(UTC)
        first, second = (read.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if first == second:
            return first
        leapt = first.astimezone(self.zone).replace(tzinfo=None) != read
        raise NameRefusedError(
            "the time zone's clock never showed the name's time: it was set ahead over it"
            if leapt
            else "the time zone's clock showed the name's time twice: it was set back; rename the file in UTC and "
            "import it by itself"
        )
