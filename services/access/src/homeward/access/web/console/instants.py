"""How times and spans are shown: in the site's zone, with UTC for whoever points at them."""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, format_timedelta
from markupsafe import Markup

from homeward.access.web.console.translations import Language

_LONG: Final = {"en": "d MMM y, HH:mm", "zh-Hant": "y年M月d日 HH:mm"}
_SHORT: Final = {"en": "d MMM, HH:mm", "zh-Hant": "M月d日 HH:mm"}
_DAY: Final = {"en": "d MMMM y", "zh-Hant": "y年M月d日"}
_CLOCK: Final = {"en": "HH:mm:ss", "zh-Hant": "HH:mm:ss"}
_FIELD: Final = "%Y-%m-%dT%H:%M"


class Instants:
    """Writes times in one language and zone."""

    def __init__(self, language: Language, zone: ZoneInfo) -> None:
        self._language = language
        self._zone = zone

    def long(self, at: datetime) -> Markup:
        """Return day, year and time of day."""
        return self._element(at, _LONG)

    def short(self, at: datetime) -> Markup:
        """Return day and time of day, for lists of what is recent."""
        return self._element(at, _SHORT)

    def day(self, at: datetime) -> Markup:
        """Return the day alone."""
        return self._element(at, _DAY)

    def clock(self, at: datetime) -> Markup:
        """Return the time of day to the second."""
        return self._element(at, _CLOCK)

    def field(self, at: datetime) -> str:
        """Return the value of a `datetime-local` input: the site's time, without a zone."""
        return at.astimezone(self._zone).strftime(_FIELD)

    def read_field(self, text: str) -> datetime:
        """Return the instant that a `datetime-local` input means; raise ValueError for anything else.

        An hour that the clocks pass twice is the first of the two.
        """
        return datetime.fromisoformat(text).replace(tzinfo=self._zone).astimezone(UTC)

    def span(self, length: timedelta) -> str:
        """Return a span in words, rounded to its largest unit."""
        return format_timedelta(length, locale=self._language.locale, threshold=1.6)

    def until(self, at: datetime, now: datetime) -> str:
        """Return how far an instant lies ahead or behind, in words."""
        return format_timedelta(at - now, add_direction=True, locale=self._language.locale, threshold=1.6)

    def _element(self, at: datetime, patterns: dict[str, str]) -> Markup:
        utc = at.astimezone(UTC)
        shown = format_datetime(at.astimezone(self._zone), patterns[self._language.tag], locale=self._language.locale)
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            utc.strftime("%Y-%m-%dT%H:%M:%SZ"), utc.strftime("%Y-%m-%d %H:%M:%S UTC"), shown
        )
