"""What review asks of the other rooms."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from homeward.shared.authorisation import Purpose


@dataclass(frozen=True, slots=True)
class ReviewCase:
    """What review needs to know of a request that was opened once and searches a face.

    `request_id` is the authorisation's id too. `officials` are the requester and everybody who decided on it, by
    opaque id. Cameras and window are what was approved in the end. `expires_at` is when it ends by the clock,
    `ended_at` when it has ended otherwise or was found to have. `photos` are the keys of the reference photos in the
    bucket subjects. `case_reference` is text that somebody wrote: for pages alone.
    """

    request_id: str
    purpose: Purpose
    case_reference: str
    officials: frozenset[str]
    camera_ids: frozenset[str]
    window_starts_at: datetime
    window_ends_at: datetime
    opened_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    photos: tuple[str, ...]

    def open_at(self, now: datetime) -> bool:
        """Whether the search is open at `now`, by its state and by the clock."""
        return self.ended_at is None and now < self.expires_at

    def ended_by(self, now: datetime) -> datetime | None:
        """Return when the search ended, None while it is open at `now`."""
        if self.open_at(now):
            return None
        return self.expires_at if self.ended_at is None else min(self.ended_at, self.expires_at)

    def covers(self, camera_id: str, clip_starts_at: datetime) -> bool:
        """Whether a clip lies within what was approved."""
        return camera_id in self.camera_ids and self.window_starts_at <= clip_starts_at < self.window_ends_at


class ReviewCases(Protocol):
    """The requests, as far as review needs them. Every method reads in the transaction of `session`."""

    def find(self, session: Session, request_id: str) -> ReviewCase | None:
        """Return a request that was opened once and searches a face, open or ended; None for any other."""
        ...

    def open(self, session: Session, now: datetime) -> Sequence[ReviewCase]:
        """Return the requests that are open at `now`, oldest first; there are a hundred at most."""
        ...
