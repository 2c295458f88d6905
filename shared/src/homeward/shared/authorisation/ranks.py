"""Purposes, ranks, and which rank may approve which purpose."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Purpose(StrEnum):
    """Why footage is asked for."""

    SUBJECT_ACCESS = "subject_access"
    MISSING_PERSON = "missing_person"
    INCIDENT = "incident"

    @property
    def searches_faces(self) -> bool:
        """Whether the purpose can ever open a face search; an incident never does."""
        return self is not Purpose.INCIDENT


class Rank(StrEnum):
    """An official's rank, lowest first."""

    OFFICER = "officer"
    SUPERVISOR = "supervisor"
    COMMANDER = "commander"

    def reaches(self, other: "Rank") -> bool:
        """Whether this rank is `other` or above it."""
        order = list(Rank)
        return order.index(self) >= order.index(other)


APPROVER_RANK: Final[Mapping[Purpose, Rank]] = MappingProxyType(
    {
        Purpose.SUBJECT_ACCESS: Rank.SUPERVISOR,
        Purpose.MISSING_PERSON: Rank.SUPERVISOR,
        Purpose.INCIDENT: Rank.SUPERVISOR,
    }
)
"""The least rank of an approver. Officers ask; whoever answers for them decides."""
