"""Who acts: an official as the provider vouches for them, by an opaque id."""

from dataclasses import dataclass
from enum import StrEnum

from homeward.shared.authorisation.policy import Official
from homeward.shared.authorisation.ranks import Rank
from homeward.shared.ids import derived_id


class Role(StrEnum):
    """What somebody may do; one person may hold several."""

    REQUESTER = "requester"
    """Asks."""
    APPROVER = "approver"
    """Agrees, narrows or refuses, with the rank that the purpose demands."""
    REVIEWER = "reviewer"
    """Looks at sightings and answers."""
    AUDITOR = "auditor"
    """Reads who did what; sees no picture."""
    OPERATOR = "operator"
    """Runs cameras; sees no request and no picture."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who signed in. `name` is for the console alone: events, logs and audit records hold `official_id`.

    `session_id` is None for a bearer token of the API.
    """

    official_id: str
    name: str
    roles: frozenset[Role]
    rank: Rank
    session_id: str | None = None

    @property
    def official(self) -> Official:
        """The principal as policy and tokens know them."""
        return Official(self.official_id, self.rank)

    def has(self, role: Role) -> bool:
        """Whether the principal holds `role`."""
        return role in self.roles


def official_id(issuer: str, subject: str) -> str:
    """Return the opaque id of whom the provider `issuer` knows as `subject`: the same at every sign-in."""
    return derived_id("official", issuer, subject)
