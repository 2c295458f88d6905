"""What reviewers say of a sighting, and what their answers come to. Pure.

A sighting is a question. The first answer, yes or no, that two reviewers share is its verdict. Two that differ, or of
which one is unsure, make it disputed: then a third reviewer answers, as blind as the first two, and so on until two
share an answer. So two different people have said yes to whatever is confirmed, and an unsure answer never confirms
or rejects anything.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

QUORUM: Final = 2
"""How many reviewers must share an answer (DESIGN, invariant 5). It is no setting."""


class Answer(StrEnum):
    """What one reviewer says to "is this the person?"."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


class Verdict(StrEnum):
    """What the answers come to."""

    OPEN = "open"
    """Fewer than two have answered."""
    DISPUTED = "disputed"
    """Two or more have answered, and no two of them alike."""
    CONFIRMED = "confirmed"
    REJECTED = "rejected"

    @property
    def final(self) -> bool:
        """Whether nobody can answer any more."""
        return self in {Verdict.CONFIRMED, Verdict.REJECTED}


class Standing(StrEnum):
    """How a sighting stands for one who looks at it; what others said is no part of it before one's own answer."""

    ASKED = "asked"
    """One's own answer is wanted. Whether anybody else has answered cannot be told from this."""
    WAITING = "waiting"
    """One has answered, and may still change it: nobody else has."""
    DISPUTED = "disputed"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


def verdict_of(answers: Sequence[Answer]) -> Verdict:
    """Return what `answers`, one of each reviewer, come to."""
    if answers.count(Answer.YES) >= QUORUM:
        return Verdict.CONFIRMED
    if answers.count(Answer.NO) >= QUORUM:
        return Verdict.REJECTED
    return Verdict.DISPUTED if len(answers) >= QUORUM else Verdict.OPEN


def standing_of(verdict: Verdict, own: Answer | None) -> Standing:
    """Return how a sighting with `verdict` stands for a reviewer whose own answer is `own`."""
    if verdict.final:
        return Standing(verdict.value)
    if own is None:
        return Standing.ASKED
    return Standing.DISPUTED if verdict is Verdict.DISPUTED else Standing.WAITING
