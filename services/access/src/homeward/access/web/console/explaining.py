"""Puts into a page's language why something was not done."""

from collections.abc import Mapping
from typing import Final

from homeward.access.errors import AccessError
from homeward.access.web.console.translations import Language


def _(text: str) -> str:
    """Mark a text for the catalogues."""
    return text


_BY_CODE: Final[Mapping[str, str]] = {
    "too_long": _("This text is too long"),
    "too_short": _("This is missing, or too short to be understood"),
    "malformed": _("This holds something that is no text"),
    "cameras": _("Check the choice of cameras: too few, too many, or one that does not exist"),
    "window": _("Check the window: its times do not fit together, or it is longer than the policy allows"),
    "lifetime": _("Check the duration: it is shorter or longer than the policy allows"),
    "gone": _("That footage is no longer kept"),
    "photos": _("Check the photos: too few or too many"),
    "photo": _("This photo cannot be used"),
    "rank": _("This needs a higher rank"),
    "role": _("This needs another role"),
    "live_searches": _("As many searches run as the policy allows; stop one first"),
    "state": _("The request has changed meanwhile; look at it again"),
    "rate": _("Too often in a short time; wait a little"),
}


def explain(language: Language, error: AccessError) -> str:
    """Return why, in `language`: the reason itself where the catalogue has it, else what its code stands for.

    A reason with figures in it stands in no catalogue. What neither has is shown as it is, in English.
    """
    return put(language, error.code, error.reason)


def put(language: Language, code: str, reason: str) -> str:
    """Return `reason` in `language`, or what `code` stands for."""
    translated = language(reason)
    if language.tag == "en" or translated != reason or code not in _BY_CODE:
        return translated
    return language(_BY_CODE[code])
