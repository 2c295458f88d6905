"""Texts that people write: how long they may be, and what they may hold."""

import unicodedata
from typing import Final

from homeward.access.errors import InvalidError
from homeward.access.sentence import Sentence

_BREAKS: Final = frozenset("\n\t")
_REFUSED: Final = frozenset({"Cc", "Cs"})
# Marks that turn the direction of what follows let a text read otherwise than it is written.
_BIDI: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean(text: str, field: str, *, least: int, most: int, lines: bool = False) -> str:
    """Return `text` without space around it, in Unicode's composed form.

    Raises InvalidError for `field` when it is shorter than `least` or longer than `most` characters, or holds what is
    no text; line breaks only where `lines` allows them.
    """
    if len(text) > 4 * most:
        raise _too_long(field, most)
    cleaned = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
    if len(cleaned) < least:
        if least == 1:
            raise InvalidError("too_short", "this is missing", field)
        raise InvalidError("too_short", Sentence("this needs {least} characters at least", {"least": least}), field)
    if len(cleaned) > most:
        raise _too_long(field, most)
    allowed = _BREAKS if lines else frozenset()
    if any((unicodedata.category(one) in _REFUSED and one not in allowed) or one in _BIDI for one in cleaned):
        raise InvalidError("malformed", "this holds characters that are no text", field)
    return cleaned


def _too_long(field: str, most: int) -> InvalidError:
    return InvalidError("too_long", Sentence("this is longer than {most} characters", {"most": most}), field)
