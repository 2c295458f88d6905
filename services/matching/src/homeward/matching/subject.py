"""The subject of one authorisation, as enrolled and as stored."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from homeward.matching.template import Model, Template
from homeward.shared.authorisation import VerifiedAuthorisation


@dataclass(frozen=True, slots=True)
class Scope:
    """What one authorisation opens: stored beside the template, so that no query reaches beyond it."""

    authorisation_id: str
    camera_ids: frozenset[str]
    window_starts_at: datetime
    window_ends_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, authorisation: VerifiedAuthorisation) -> Self:
        """Return the scope of `authorisation`."""
        return cls(
            authorisation.authorisation_id,
            authorisation.camera_ids,
            authorisation.window_starts_at,
            authorisation.window_ends_at,
            authorisation.expires_at,
        )


@dataclass(frozen=True, slots=True)
class Subject:
    """The one person of an authorisation, by the mean template of the reference photos."""

    scope: Scope
    template: Template


@dataclass(frozen=True, slots=True)
class Probe:
    """A face to compare: its template, its camera and when its clip began."""

    template: Template
    camera_id: str
    clip_starts_at: datetime


@dataclass(frozen=True, slots=True)
class StoredSubject:
    """What the store tells of an enrolled subject: everything but the template."""

    authorisation_id: str
    model: Model
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Count:
    """How many templates are at rest, and of how many authorisations."""

    templates: int
    subjects: int


@dataclass(frozen=True, slots=True)
class Wiped:
    """What a wipe deleted, and what a count afterwards showed."""

    deleted: int
    remaining: int
