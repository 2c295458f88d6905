"""Texts that people write: how long they may be, and what they may hold."""

import unicodedata
from typing import Final

from homeward.access.errors import InvalidError

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
        raise InvalidError("too_long", f"{_name(field)} is longer than {most} characters", field)
    cleaned = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
    if len(cleaned) < least:
        wanted = "is missing" if least == 1 else f"needs {least} characters at least"
        raise InvalidError("too_short", f"{_name(field)} {wanted}", field)
    if len(cleaned) > most:
        raise InvalidError("too_long", f"{_name(field)} is longer than {most} characters", field)
    allowed = _BREAKS if lines else frozenset()
    if any((unicodedata.category(one) in _REFUSED and one not in allowed) or one in _BIDI for one in cleaned):
        raise InvalidError("malformed", f"{_name(field)} holds characters that are no text", field)
    return cleaned


def _name(field: str) -> str:
    return field.rpartition(".")[2].replace("_", " ")
