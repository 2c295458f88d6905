"""Spans of time and instants as an operator writes and reads them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_UNITS: Final = {
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_SPAN: Final = re.compile(r"(\d{1,9}(?:\.\d{1,3})?) ?(s|min|m|h|d)")


class InvalidTimeError(ValueError):
    """A text that is no span of time or no instant; it says what to write instead."""


def parse_span(text: str) -> timedelta:
    """Return the span that `text` says, such as 90s, 30min, 24h or 7d; raise InvalidTimeError for anything else."""
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise InvalidTimeError(f"{text!r} is no span of time: write 90s, 30min, 24h or 7d")
    return float(match[1]) * _UNITS[match[2]]


def format_span(span: timedelta) -> str:
    """Return `span` in its two largest units, cut to the smaller one: 12 h, 1 h 30 min, 45 s, 0.4 s."""
    seconds = span.total_seconds()
    if abs(seconds) < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + " s"
    whole = int(abs(seconds))
    sign = "-" if seconds < 0 else ""
    for unit, smaller, size, part in (("d", "h", 86_400, 3_600), ("h", "min", 3_600, 60), ("min", "s", 60, 1)):
        if whole >= size:
            rest = whole % size // part
            return f"{sign}{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    raise AssertionError("a minute and more has a unit")


def parse_instant(text: str) -> datetime:
    """Return the instant that `text` says in ISO 8601, in UTC unless it says otherwise; raise InvalidTimeError."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidTimeError(
            f"{text!r} is no time: write 2026-11-23T20:50 for UTC, or 2026-11-23T20:50+08:00"
        ) from None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def format_time(instant: datetime) -> str:
    """Return `instant` in UTC to the millisecond, as an operator reads it."""
    return instant.astimezone(UTC).isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")
