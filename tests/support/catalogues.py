"""What the console says, and how it is translated: for tests of every catalogue."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import homeward.access.web.console.pages as pages_module

ACCESS: Final = Path(pages_module.__file__).parents[2]
CATALOGUES: Final = ACCESS / "web" / "locale"

# Sentences of the use cases are texts for people too, and so is why something is not done: the second argument.
_REFUSALS: Final = ("NotSignedIn", "Forbidden", "NotFound", "Invalid", "Conflict", "TooMany")
_KEYWORDS: Final = {"_": None, "say": None, "Sentence": None, **{f"{name}Error": (2,) for name in _REFUSALS}}


def said() -> Mapping[str, str]:
    """Return every text of the templates and modules, and where it stands."""
    found: dict[str, str] = {}
    methods = [("**.html", "jinja2.ext.babel_extract"), ("**.py", "python")]
    options = {"**.html": {"trimmed": "false"}}
    for name, line, text, _, _ in extract_from_dir(str(ACCESS), methods, options, _KEYWORDS):
        for one in [text] if isinstance(text, str) else text:
            found.setdefault(one, f"{name}:{line}")
    return found


def translated(tag: str) -> Mapping[str, tuple[str, Message]]:
    """Return every entry of a language's catalogues by its English text, with the file that holds it."""
    found: dict[str, tuple[str, Message]] = {}
    for path in sorted((CATALOGUES / tag).glob("*.po")):
        with path.open("rb") as source:
            for message in read_po(source, locale=tag.replace("-", "_")):
                if message.id:
                    assert isinstance(message.id, str), "plurals are not used: write sentences that need none"
                    # Rooms may say the same, in the same words.
                    twin = found.get(message.id)
                    assert twin is None or twin[1].string == message.string, f"{message.id!r}: {twin}, {path.name}"
                    found[message.id] = (path.name, message)
    return found
