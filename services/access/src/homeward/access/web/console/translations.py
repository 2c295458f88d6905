"""The console's languages: which one a request wants, and the texts in it."""

import gettext
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from fastapi import Request

COOKIE: Final = "language"
"""Holds the tag that somebody chose; it outweighs what the browser asks for."""

_CATALOGUES: Final = Path(__file__).parent.parent / "locale"
_WANTED_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Language:
    """A language of the console. `tag` is what HTML's `lang` says; `own_name` is what its speakers call it."""

    tag: str
    own_name: str
    locale: Locale
    texts: gettext.NullTranslations

    def __call__(self, text: str) -> str:
        """Return `text`, which is English, in this language."""
        return self.texts.gettext(text)

    def say(self, text: str) -> str:
        """Return the same; templates say it of a language that is not their page's."""
        return self(text)


class Languages:
    """Every language of the console. `default` is the tag for browsers that ask for none of them."""

    def __init__(self, default: str = "en") -> None:
        self._languages: Mapping[str, Language] = {
            "en": Language("en", "English", Locale.parse("en_GB"), gettext.NullTranslations()),
            "zh-Hant": Language("zh-Hant", "繁體中文", Locale.parse("zh_Hant_TW"), _read("zh-Hant")),
        }
        self._default = self._languages[default]

    def __iter__(self) -> Iterator[Language]:
        """Return every language."""
        return iter(self._languages.values())

    def named(self, tag: str) -> Language | None:
        """Return the language of this very tag."""
        return self._languages.get(tag)

    def of(self, request: Request) -> Language:
        """Return the language for a request: what was chosen, else the first of ours that the browser asks for."""
        chosen = self._languages.get(request.cookies.get(COOKIE, ""))
        if chosen is not None:
            return chosen
        for tag in _wanted(request.headers.get("accept-language", "")):
            if tag.startswith("zh"):
                return self._languages["zh-Hant"]
            if tag.startswith("en"):
                return self._languages["en"]
        return self._default


def _wanted(header: str) -> list[str]:
    """Return the tags of an Accept-Language header, best first; what is malformed counts as unwanted."""
    weighed: list[tuple[float, str]] = []
    for part in header.split(",")[:_WANTED_MAX]:
        tag, _, weight = part.strip().lower().partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        if quality > 0:
            weighed.append((quality, tag))
    return [tag for _, tag in sorted(weighed, key=lambda one: -one[0])]


def _read(tag: str) -> gettext.GNUTranslations:
    """Return the texts of every catalogue of a language, compiled in memory: a room has its own file."""
    joined: gettext.GNUTranslations | None = None
    for path in sorted((_CATALOGUES / tag).glob("*.po")):
        with path.open("rb") as source:
            catalogue = read_po(source, locale=tag.replace("-", "_"))
        compiled = BytesIO()
        write_mo(compiled, catalogue)
        compiled.seek(0)
        texts = gettext.GNUTranslations(compiled)
        if joined is None:
            joined = texts
        else:
            joined.add_fallback(texts)
    if joined is None:
        raise FileNotFoundError(f"no catalogue of {tag} in {_CATALOGUES}")
    return joined
