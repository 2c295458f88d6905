"""How much a request opens: cameras, window, duration. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from homeward.access.cases.model import Approval
from homeward.access.errors import InvalidError

LIFETIME_MIN: Final = timedelta(minutes=5)
"""Shorter, and a search over the recordings of a day would end before it has begun."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Cameras, a window of footage, and how long from the approval; `ends_at` None is until the search ends.

    `unredacted` is footage of an incident with faces shown.
    """

    camera_ids: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime | None
    lifetime: timedelta
    unredacted: bool = False

    def span(self, asked_at: datetime) -> timedelta:
        """Return the length of the window, as if the request had been approved when it was made.

        The time that it waits for a decision widens nothing that has to be decided.
        """
        return (self.ends_at or asked_at + self.lifetime) - self.starts_at

    def window_ends_at(self, now: datetime) -> datetime:
        """Return the end of the window of what is opened `now`."""
        return now + self.lifetime if self.ends_at is None else self.ends_at

    def narrowed(self, approval: Approval) -> "Scope":
        """Return what `approval` leaves of it; raise InvalidError where it is more, or nothing."""
        if any(at is not None and at.tzinfo is None for at in (approval.starts_at, approval.ends_at)):
            raise InvalidError("time", "a time needs a zone", "starts_at")
        camera_ids = self._cameras(approval.camera_ids)
        starts_at = self.starts_at if approval.starts_at is None else approval.starts_at
        if starts_at < self.starts_at:
            raise InvalidError(
                "wider", "an approval only narrows: the window begins before what was asked", "starts_at"
            )
        ends_at = self.ends_at if approval.ends_at is None else approval.ends_at
        if self.ends_at is not None and ends_at is not None and ends_at > self.ends_at:
            raise InvalidError("wider", "an approval only narrows: the window ends after what was asked", "ends_at")
        if ends_at is not None and ends_at <= starts_at:
            raise InvalidError("window", "the window ends before it begins", "ends_at")
        lifetime = self.lifetime if approval.lifetime is None else approval.lifetime
        if lifetime > self.lifetime:
            raise InvalidError("wider", "an approval only narrows: it lasts longer than what was asked", "lifetime")
        if lifetime < LIFETIME_MIN:
            raise InvalidError("lifetime", "it must last for 5 minutes at least", "lifetime")
        return Scope(camera_ids, starts_at, ends_at, lifetime, self.unredacted and not approval.redacted)

    def _cameras(self, camera_ids: tuple[str, ...] | None) -> tuple[str, ...]:
        if camera_ids is None:
            return self.camera_ids
        wanted = set(camera_ids)
        if not wanted:
            raise InvalidError("cameras", "an approval leaves one camera at least; refuse instead", "camera_ids")
        if not wanted <= set(self.camera_ids):
            raise InvalidError("wider", "an approval only narrows: a camera was not asked for", "camera_ids")
        return tuple(camera for camera in self.camera_ids if camera in wanted)
