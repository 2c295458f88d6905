"""What programs are told about requests."""

from datetime import date, datetime

from pydantic import BaseModel, Field

from homeward.access.cases.model import (
    Action,
    Asked,
    DecisionKind,
    IncidentDetails,
    MissingPersonDetails,
    Page,
    ReceiptView,
    RequestRow,
    RequestState,
    RequestView,
    SubjectAccessDetails,
)
from homeward.access.cases.policy import Policy
from homeward.shared.authorisation import Purpose, Rank


class AskedOut(BaseModel):
    """A request that was received, with its receipt: the secret is told once, and kept nowhere."""

    request_id: str
    reference: str
    secret: str

    @classmethod
    def of(cls, asked: Asked) -> "AskedOut":
        """Return what is told."""
        return cls(request_id=asked.request_id, reference=asked.reference, secret=asked.secret)


class RowOut(BaseModel):
    """A request in a list."""

    request_id: str
    purpose: Purpose
    state: RequestState
    urgent: bool
    case_reference: str
    requester_id: str
    cameras: int
    submitted_at: datetime
    expires_at: datetime | None = Field(description="When it ends by itself as it stands.")
    due_at: datetime | None = Field(description="When the law wants an answer.")
    needed_rank: Rank
    may: list[Action] = Field(description="What whoever asks may do with it.")

    @classmethod
    def of(cls, row: RequestRow) -> "RowOut":
        """Return what is told."""
        return cls(
            request_id=row.request_id,
            purpose=row.purpose,
            state=row.state,
            urgent=row.urgent,
            case_reference=row.case_reference,
            requester_id=row.requester_id,
            cameras=row.cameras,
            submitted_at=row.submitted_at,
            expires_at=row.expires_at,
            due_at=row.due_at,
            needed_rank=row.needed_rank,
            may=sorted(row.may),
        )


class PageOut(BaseModel):
    """A part of a list."""

    items: list[RowOut]
    next: str | None = Field(description="What `after` asks for the next part; null at the end.")

    @classmethod
    def of(cls, page: Page[RequestRow]) -> "PageOut":
        """Return what is told."""
        return cls(items=[RowOut.of(row) for row in page.items], next=page.next)


class ScopeOut(BaseModel):
    """Cameras, a window of footage, and for how long."""

    camera_ids: list[str]
    starts_at: datetime
    ends_at: datetime | None = Field(description="Null is live, until the search ends.")
    lifetime_s: int
    unredacted: bool


class DecisionOut(BaseModel):
    """What an official did."""

    kind: DecisionKind
    official_id: str
    rank: Rank
    reason: str
    at: datetime


class PhotoOut(BaseModel):
    """What is known of a reference photo."""

    index: int
    source: str
    taken_on: date


class HoldOut(BaseModel):
    """Footage kept for a request."""

    hold_id: str
    expires_at: datetime
    released: bool


class RequestOut(BaseModel):
    """A request as whoever asks may see it."""

    request_id: str
    reference: str = Field(description="The receipt's first line.")
    purpose: Purpose
    state: RequestState
    urgent: bool
    case_reference: str
    reason: str
    details: MissingPersonDetails | SubjectAccessDetails | IncidentDetails | None
    requester_id: str
    requester_rank: Rank
    in_force: ScopeOut
    asked: ScopeOut
    submitted_at: datetime
    decide_by: datetime
    urgent_deadline: datetime | None = Field(description="When one signature no longer carries it.")
    opened_at: datetime | None
    expires_at: datetime | None
    ended_at: datetime | None
    due_at: datetime | None
    hold: HoldOut | None
    photos: list[PhotoOut]
    decisions: list[DecisionOut]
    needed_rank: Rank
    summary: list[str] = Field(description="What it means, in plain English.")
    may: list[Action]

    @classmethod
    def of(cls, view: RequestView) -> "RequestOut":
        """Return what is told."""
        return cls(
            request_id=view.request_id,
            reference=view.reference,
            purpose=view.purpose,
            state=view.state,
            urgent=view.urgent,
            case_reference=view.case_reference,
            reason=view.reason,
            details=view.details,
            requester_id=view.requester_id,
            requester_rank=view.requester_rank,
            in_force=ScopeOut(
                camera_ids=list(view.camera_ids),
                starts_at=view.starts_at,
                ends_at=view.ends_at,
                lifetime_s=int(view.lifetime.total_seconds()),
                unredacted=view.unredacted,
            ),
            asked=ScopeOut(
                camera_ids=list(view.asked_camera_ids),
                starts_at=view.asked_starts_at,
                ends_at=view.asked_ends_at,
                lifetime_s=int(view.asked_lifetime.total_seconds()),
                unredacted=view.asked_unredacted,
            ),
            submitted_at=view.submitted_at,
            decide_by=view.decide_by,
            urgent_deadline=view.urgent_deadline,
            opened_at=view.opened_at,
            expires_at=view.expires_at,
            ended_at=view.ended_at,
            due_at=view.due_at,
            hold=None
            if view.hold is None
            else HoldOut(hold_id=view.hold.hold_id, expires_at=view.hold.expires_at, released=view.hold.released),
            photos=[PhotoOut(index=one.index, source=one.source, taken_on=one.taken_on) for one in view.photos],
            decisions=[
                DecisionOut(kind=one.kind, official_id=one.official_id, rank=one.rank, reason=one.reason, at=one.at)
                for one in view.decisions
            ],
            needed_rank=view.needed_rank,
            summary=[str(sentence) for sentence in view.summary],
            may=sorted(view.may),
        )


class ReceiptOut(BaseModel):
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

    @classmethod
    def of(cls, view: ReceiptView) -> "ReceiptOut":
        """Return what is told."""
        return cls(
            reference=view.reference,
            purpose=view.purpose,
            state=view.state,
            submitted_at=view.submitted_at,
            expires_at=view.expires_at,
            ended_at=view.ended_at,
            due_at=view.due_at,
            cameras=view.cameras,
            starts_at=view.starts_at,
            ends_at=view.ends_at,
            held_until=view.held_until,
            may_withdraw=view.may_withdraw,
        )


class PolicyOut(BaseModel):
    """The policy in force."""

    digest: str = Field(description="The SHA-256 of its file, as it stands in the audit log.")
    policy: Policy
