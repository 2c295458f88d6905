"""Puts sentences with times, spans and counts in them into a page's language."""

from datetime import datetime, timedelta

from markupsafe import Markup, escape

from homeward.access.sentence import Sentence
from homeward.access.web.console.instants import Instants
from homeward.access.web.console.translations import Language


class Sentences:
    """Writes sentences in one language and zone."""

    def __init__(self, language: Language, instants: Instants) -> None:
        self._language = language
        self._instants = instants

    def __call__(self, sentence: Sentence) -> Markup:
        """Return the sentence as a part of a page; its texts are escaped."""
        values = {name: self._shown(value) for name, value in sentence.values.items()}
        return escape(self._language(sentence.text)).format(**values)

    def _shown(self, value: object) -> Markup:
        match value:
            case datetime():
                return self._instants.long(value)
            case timedelta():
                return escape(self._instants.span(value))
            case _:
                return escape(value)
