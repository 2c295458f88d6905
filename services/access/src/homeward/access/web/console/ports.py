"""What pages ask of the rooms. The use cases themselves decide who may know and do what."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from homeward.access.cases.model import (
    Approval,
    Asked,
    Page,
    PhotoUpload,
    ReceiptView,
    RequestFilter,
    RequestForm,
    RequestRow,
    RequestView,
)
from homeward.access.people.principal import Principal


class CaseFile(Protocol):
    """Requests. Every method blocks for a database and the audit log, and raises the family of AccessError."""

    def ask(
        self, principal: Principal, form: RequestForm, photos: Sequence[PhotoUpload], once: UUID | None = None
    ) -> Asked:
        """Receive a request and issue its receipt; nothing is searched yet.

        Raises AlreadySentError for the same form with the same `once`.
        """
        ...

    def start(self, principal: Principal, request_id: str) -> None:
        """Begin an urgent search on its requester's signature alone."""
        ...

    def approve(self, principal: Principal, request_id: str, approval: Approval) -> None:
        """Agree to what was asked, or to less."""
        ...

    def refuse(self, principal: Principal, request_id: str, reason: str) -> None:
        """Say no."""
        ...

    def stop(self, principal: Principal, request_id: str, reason: str, *, found: bool = False) -> None:
        """End a request; `found` says that the person was found."""
        ...

    def request(self, principal: Principal, request_id: str) -> RequestView:
        """Return one request."""
        ...

    def requests(self, principal: Principal, wanted: RequestFilter) -> Page[RequestRow]:
        """Return requests, newest first."""
        ...

    def photo(self, principal: Principal, request_id: str, index: int) -> bytes:
        """Return a reference photo, a JPEG; each look is recorded."""
        ...


class ReceiptDesk(Protocol):
    """What whoever holds a receipt may see and do. `client` is where they come from, for the limit of tries."""

    def look(self, reference: str, secret: str, client: str) -> ReceiptView:
        """Return how the request stands; raise NotFoundError alike for a wrong reference and a wrong secret."""
        ...

    def withdraw(self, reference: str, secret: str, client: str) -> None:
        """End the request and wipe what was kept for its search."""
        ...


@dataclass(frozen=True, slots=True)
class CameraChoice:
    """A camera as a form offers it. `area` groups cameras, empty for none."""

    camera_id: str
    name: str
    area: str = ""


class CameraBook(Protocol):
    """The cameras that may be asked for."""

    def choices(self) -> Sequence[CameraChoice]:
        """Return every camera in the order in which a list shows them. Raises DatabaseAwayError."""
        ...


class Directory(Protocol):
    """Officials by name, for pages alone."""

    def names(self, official_ids: Collection[str]) -> Mapping[str, str]:
        """Return the names of those who are known. Raises DatabaseAwayError."""
        ...
