"""What is asked, what was decided, and what each person may see of it."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, Generic, TypeVar

from homeward.access.sentence import Sentence
from homeward.shared.authorisation import Purpose, Rank

REFERENCE_MAX: Final = 100
"""Characters of a case reference."""
REASON_MIN: Final = 10
"""Characters of a reason: shorter ones say nothing to whoever reads them a year later."""
REASON_MAX: Final = 2000
NOTE_MAX: Final = 500
"""Characters of every other text."""

Item = TypeVar("Item")


class RequestState(StrEnum):
    """How a request stands."""

    SUBMITTED = "submitted"
    """Waits for a decision; nothing is searched."""
    OPEN_URGENT = "open_urgent"
    """Runs on the requester's signature alone, until the deadline."""
    OPEN = "open"
    """Approved, and runs until its end."""
    REFUSED = "refused"
    EXPIRED = "expired"
    """Ended by the clock, decided upon or not."""
    WITHDRAWN = "withdrawn"
    """Ended by whom it served."""
    STOPPED = "stopped"
    """Ended by an official."""
    CLOSED = "closed"
    """Ended because the person was found or the work is done."""

    @property
    def runs(self) -> bool:
        """Whether it opens anything."""
        return self in {RequestState.OPEN, RequestState.OPEN_URGENT}

    @property
    def ended(self) -> bool:
        """Whether nothing can follow."""
        return self is not RequestState.SUBMITTED and not self.runs


class Action(StrEnum):
    """What somebody may do with a request."""

    START = "start"
    APPROVE = "approve"
    NARROW = "narrow"
    """Approve, but for less than was asked: the whole needs a higher rank."""
    REFUSE = "refuse"
    STOP = "stop"
    SEE_PHOTOS = "see_photos"


class Relation(StrEnum):
    """Who asks that somebody missing be looked for."""

    PARENT = "parent"
    GUARDIAN = "guardian"
    PARTNER = "partner"
    RELATIVE = "relative"
    CARER = "carer"
    INSTITUTION = "institution"
    OTHER = "other"


class Basis(StrEnum):
    """Why somebody missing may be looked for although they cannot be asked."""

    CONSENT = "consent"
    """They agreed beforehand, or who speaks for them by law agrees."""
    BEST_INTEREST = "best_interest"
    """An official decided that it serves them."""


class Risk(StrEnum):
    """How great the danger is."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class IdentityCheck(StrEnum):
    """How it was made sure that somebody asks about themselves."""

    DOCUMENT_IN_PERSON = "document_in_person"
    ELECTRONIC_IDENTITY = "electronic_identity"
    KNOWN_TO_STAFF = "known_to_staff"


@dataclass(frozen=True, slots=True)
class MissingPersonDetails:
    """What a search for somebody missing rests on."""

    relation: Relation
    basis: Basis
    basis_note: str
    last_seen_at: datetime
    last_seen_place: str
    risk: Risk
    risk_note: str = ""


@dataclass(frozen=True, slots=True)
class SubjectAccessDetails:
    """What a request for one's own footage rests on. `authority` is by what right a representative asks, or empty."""

    identity_check: IdentityCheck
    identity_note: str
    representative: bool = False
    authority: str = ""


@dataclass(frozen=True, slots=True)
class IncidentDetails:
    """What happened. `unredacted` asks for footage with faces shown, which needs a higher rank."""

    event: str
    unredacted: bool = False


Details = MissingPersonDetails | SubjectAccessDetails | IncidentDetails


@dataclass(frozen=True, slots=True)
class RequestForm:
    """What somebody asks for.

    `starts_at` None is since the person was last seen, `ends_at` None until the search ends: both for somebody missing
    alone. `lifetime` None is the policy's default, counted from the approval.
    """

    purpose: Purpose
    case_reference: str
    reason: str
    camera_ids: tuple[str, ...]
    details: Details
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    lifetime: timedelta | None = None
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class PhotoUpload:
    """A reference photo as it came; `content_type` is what the sender says of it, None for nothing."""

    data: bytes = field(repr=False)
    source: str
    taken_on: date
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was received. `secret` is shown once, and kept nowhere."""

    request_id: str
    reference: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Approval:
    """What an approver agrees to: as much as was asked where a field is None, never more.

    `redacted` agrees to an incident's footage with every face covered, although faces were asked for.
    """

    reason: str
    camera_ids: tuple[str, ...] | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    lifetime: timedelta | None = None
    redacted: bool = False


class DecisionKind(StrEnum):
    """What an official did with a request."""

    STARTED = "started"
    APPROVED = "approved"
    NARROWED = "narrowed"
    REFUSED = "refused"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class DecisionView:
    """One decision, by an official's opaque id."""

    kind: DecisionKind
    official_id: str
    rank: Rank
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PhotoView:
    """What is known of a reference photo; the picture itself is looked at by `Cases.photo`."""

    index: int
    source: str
    taken_on: date


@dataclass(frozen=True, slots=True)
class HoldView:
    """Footage kept for a request."""

    hold_id: str
    expires_at: datetime
    released: bool


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A request in a list. `expires_at` is when it ends by itself as it stands; None once it has ended."""

    request_id: str
    purpose: Purpose
    state: RequestState
    urgent: bool
    case_reference: str
    requester_id: str
    cameras: int
    submitted_at: datetime
    expires_at: datetime | None
    due_at: datetime | None
    needed_rank: Rank
    may: frozenset[Action]


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request as one person may see it.

    `camera_ids`, `starts_at`, `ends_at` and `lifetime` are what is in force: what was asked until it is approved for
    less. `ends_at` None is until the search ends. Those with `asked_` are what was asked. What people wrote is empty,
    and `details` None, once it was forgotten.
    """

    request_id: str
    reference: str
    purpose: Purpose
    state: RequestState
    urgent: bool
    case_reference: str
    reason: str
    details: Details | None
    requester_id: str
    requester_rank: Rank
    camera_ids: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime | None
    lifetime: timedelta
    unredacted: bool
    asked_camera_ids: tuple[str, ...]
    asked_starts_at: datetime
    asked_ends_at: datetime | None
    asked_lifetime: timedelta
    asked_unredacted: bool
    submitted_at: datetime
    decide_by: datetime
    urgent_deadline: datetime | None
    opened_at: datetime | None
    expires_at: datetime | None
    ended_at: datetime | None
    due_at: datetime | None
    hold: HoldView | None
    photos: tuple[PhotoView, ...]
    decisions: tuple[DecisionView, ...]
    needed_rank: Rank
    summary: tuple[Sentence, ...]
    may: frozenset[Action]


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """Which requests to list, newest first; `after` is the `next` of the page before."""

    states: frozenset[RequestState] = frozenset()
    purpose: Purpose | None = None
    mine: bool = False
    after: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A part of a list; `next` asks for what follows, None at its end."""

    items: tuple[Item, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """What the one whom a request serves may see of it."""

    reference: str
    purpose: Purpose
    state: RequestState
    submitted_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None
    due_at: datetime | None
    cameras: int
    starts_at: datetime
    ends_at: datetime | None
    held_until: datetime | None
    may_withdraw: bool
