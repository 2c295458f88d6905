"""What requests ask of the rest of the service and of the world."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from homeward.shared.authorisation import Claims


class Signer(Protocol):
    """The key that signs authorisations, in a file or in a key management service."""

    def sign(self, session: Session, claims: Claims) -> str:
        """Return the signed token of `claims`.

        Called within the transaction that opens an authorisation. Raises SigningError when no key answers.
        """
        ...


class SigningError(Exception):
    """Nothing can be signed now; it may be tried again."""


class Searches(Protocol):
    """The searches that run."""

    def stop(self, authorisation_id: str) -> bool:
        """Stop a search at once and wipe its templates; return whether that was confirmed.

        Called after the end was committed, blocks for two seconds at most, and raises nothing: the event of the end
        does the same a moment later.
        """
        ...


@dataclass(frozen=True, slots=True)
class Tally:
    """What a search came to: faces compared, footage searched of all cameras together, sightings announced."""

    faces_compared: int
    camera_seconds: float
    candidates: int


class Tallies(Protocol):
    """What searches have come to so far."""

    def of(self, session: Session, authorisation_id: str) -> Tally | None:
        """Return the sums of one search, None where nothing is known of it."""
        ...


class Reviews(Protocol):
    """What reviewers have said."""

    def has_answered(self, session: Session, request_id: str, official_id: str) -> bool:
        """Return whether an official has said what they think of any sighting of a search.

        Such a one cannot approve it any more: its sightings are for others than those who decide on it.
        """
        ...


class Cameras(Protocol):
    """The cameras that there are."""

    def unknown(self, camera_ids: Collection[str]) -> Collection[str]:
        """Return those of `camera_ids` that no camera bears."""
        ...


class Grants(Protocol):
    """Footage opened to somebody. Both methods act within the caller's transaction and record nothing themselves."""

    def give(
        self,
        session: Session,
        *,
        request_id: str,
        official_id: str,
        camera_ids: Sequence[str],
        starts_at: datetime,
        ends_at: datetime,
        until: datetime,
        unredacted: bool,
        now: datetime,
    ) -> None:
        """Open the footage of `camera_ids` in [starts_at, ends_at) to an official until `until`.

        `unredacted` shows faces; without it every face is covered.
        """
        ...

    def end(self, session: Session, request_id: str, now: datetime) -> None:
        """Take back whatever was granted for a request; nothing granted is no error."""
        ...
