"""Puts into a page's language why something was not done."""

from collections.abc import Mapping
from typing import Final

from homeward.access.sentence import Sentence
from homeward.access.web.console.translations import Language
from homeward.shared.authorisation import Rank


def _(text: str) -> str:
    """Mark a text for the catalogues."""
    return text


_BY_CODE: Final[Mapping[str, str]] = {
    "cameras": _("Check the choice of cameras: too few, too many, or one that does not exist"),
    "window": _("Check the window: its times do not fit together, or it is longer than the policy allows"),
    "lifetime": _("Check the duration: it is shorter or longer than the policy allows"),
    "photos": _("Check the photos: too few or too many"),
    "photo": _("This photo cannot be used or seen"),
    "role": _("This needs another role"),
    "live_searches": _("As many searches run as the policy allows; stop one first"),
}
"""For reasons that come from beyond this service, or name roles."""


def explain(language: Language, code: str, reason: Sentence) -> str:
    """Return `reason` in `language`, or what `code` stands for; what neither has is shown as it is, in English."""
    if language.tag == "en":
        return str(reason)
    text = language(reason.text)
    if text == reason.text:
        return language(_BY_CODE[code]) if code in _BY_CODE else str(reason)
    return text.format(**{name: _shown(language, value) for name, value in reason.values.items()})


def _shown(language: Language, value: object) -> str:
    return language(value.value) if isinstance(value, Rank) else str(value)
