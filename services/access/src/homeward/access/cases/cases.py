"""Requests from the asking to the end: the one door to everything that is done with them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from homeward.access.cases.asking import Asker
from homeward.access.cases.deciding import Decider
from homeward.access.cases.ending import Ender
from homeward.access.cases.expiring import Expirer
from homeward.access.cases.ground import Ground
from homeward.access.cases.model import (
    Approval,
    Asked,
    Page,
    PhotoUpload,
    RequestFilter,
    RequestForm,
    RequestRow,
    RequestView,
)
from homeward.access.cases.opening import Opener
from homeward.access.cases.photos import Photos
from homeward.access.cases.ports import Cameras, Grants, Reviews, Searches, Signer, Tallies
from homeward.access.cases.viewing import Viewer
from homeward.access.people.principal import Principal
from homeward.shared.objectstore.port import ObjectStore


class Cases:
    """Everything that is done with requests.

    Called by many threads. Each method raises, beside what it names: ForbiddenError for what the role, the rank or the
    case does not open, NotFoundError for a request that `principal` may not know of, ConflictError for one whose state
    does not allow it, InvalidError, and DatabaseAwayError or AuditUnavailableError, after which nothing was done.
    """

    def __init__(
        self,
        *,
        ground: Ground,
        store: ObjectStore,
        signer: Signer,
        searches: Searches,
        cameras: Cameras,
        grants: Grants,
        tallies: Tallies,
        reviews: Reviews,
    ) -> None:
        photos = Photos(store)
        self.ender = Ender(photos, searches, grants, tallies, ground.policy)
        opener = Opener(photos, signer, grants, ground.policy)
        self._asker = Asker(ground, photos, cameras)
        self._decider = Decider(ground, photos, opener, self.ender, reviews)
        self._viewer = Viewer(ground, photos)
        self.expirer = Expirer(ground, self.ender)

    def ask(
        self, principal: Principal, form: RequestForm, photos: Sequence[PhotoUpload], once: UUID | None = None
    ) -> Asked:
        """Keep what a requester asks for, hold footage where the purpose demands it, and issue the receipt.

        `once` is random; the same form with the same `once` makes one request, and raises AlreadySentError afterwards.
        """
        return self._asker.ask(principal, form, photos, once)

    def start(self, principal: Principal, request_id: str) -> None:
        """Begin an urgent search on its requester's signature alone. Raises SigningError and ObjectStoreError."""
        self._decider.start(principal, request_id)

    def approve(self, principal: Principal, request_id: str, approval: Approval) -> None:
        """Agree to a request, or to less. Raises SigningError and ObjectStoreError."""
        self._decider.approve(principal, request_id, approval)

    def refuse(self, principal: Principal, request_id: str, reason: str) -> None:
        """Refuse a request, or the second signature of an urgent one."""
        self._decider.refuse(principal, request_id, reason)

    def stop(self, principal: Principal, request_id: str, reason: str, *, found: bool = False) -> None:
        """End a request now; `found` says that the person is."""
        self._decider.stop(principal, request_id, reason, found=found)

    def request(self, principal: Principal, request_id: str) -> RequestView:
        """Return one request."""
        return self._viewer.request(principal, request_id)

    def requests(self, principal: Principal, wanted: RequestFilter) -> Page[RequestRow]:
        """Return the requests that `principal` may know of, newest first."""
        return self._viewer.requests(principal, wanted)

    def photo(self, principal: Principal, request_id: str, index: int) -> bytes:
        """Return a reference photo, a JPEG, while the request has not ended. Raises ObjectStoreError."""
        return self._viewer.photo(principal, request_id, index)

    def expire(self, now: datetime) -> int:
        """End everything whose time is over; return how much that was."""
        return self.expirer.expire(now)
