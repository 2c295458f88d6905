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
    "unknown_camera": _("Check the choice of cameras: too few, too many, or one that does not exist"),
    "window": _("Check the window: its times do not fit together, or it is longer than the policy allows"),
    "lifetime": _("Check the duration: it is shorter or longer than the policy allows"),
    "gone": _("That footage is no longer kept"),
    "photos": _("Check the photos: too few or too many"),
    "photo": _("This photo cannot be used or seen"),
    "photo_type": _("A photo is a JPEG or a PNG, and nothing else"),
    "no_photo": _("A request for an incident takes no photo and searches no face"),
    "taken_on": _("The photo's date lies in the future"),
    "last_seen": _("The person was last seen in the future: check the time"),
    "time": _("Write a day and a time, such as 2026-11-23 21:40"),
    "authority": _("Only a representative has an authority"),
    "details": _("This form is not the one of its purpose"),
    "wider": _("An approval only narrows what was asked"),
    "urgent": _("Only the requester of an urgent search for somebody missing may start it alone"),
    "rank": _("This needs a higher rank"),
    "role": _("This needs another role"),
    "own_request": _("Nobody decides upon their own request"),
    "live_searches": _("As many searches run as the policy allows; stop one first"),
    "searches": _("As many searches run as the policy allows; stop one first"),
    "state": _("The request has changed meanwhile; look at it again"),
    "ended": _("The request has ended; ask anew"),
    "expired": _("The request has ended by itself"),
    "request": _("There is no such request"),
    "receipt": _("There is no such receipt; compare both lines with the paper"),
    "camera": _("There is no such camera"),
    "grant": _("No approval opens this camera at this time to you; make a request"),
    "csrf": _("This page has become old; load it anew and send it again"),
    "too_often": _("Too often in a short time; wait a little"),
    "too_many_sign_ins": _("Too many people sign in at once; try again in a minute"),
    "not_signed_in": _("Sign in first"),
    "not_found": _("There is no such page"),
    "away": _("Homeward cannot do this now, and nothing was done; try again in a minute"),
    "failed": _("Homeward failed at this, and has noted it; try again, and tell who runs it if it lasts"),
    "limit": _("This list cannot be shown so"),
    "after": _("This is no place in the list"),
    "language": _("There is no such language"),
    "bad_token": _("Sign in first"),
    "method_not_allowed": _("There is no such page"),
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
