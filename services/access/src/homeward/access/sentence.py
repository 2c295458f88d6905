"""Sentences for people, from wherever they come: a page puts them into its language."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence for a person: a text to translate, and what stands in its braces.

    Values are texts, counts, ranks, times and spans of time; whoever shows them gives them their form.
    """

    text: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text.format(**self.values)
