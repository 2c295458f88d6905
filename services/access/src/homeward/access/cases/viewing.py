"""Looking at requests: each look is recorded before anything is shown."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from homeward.access.cases import holds
from homeward.access.cases.documents import read_details
from homeward.access.cases.ground import Ground
from homeward.access.cases.lookups import find
from homeward.access.cases.model import (
    Action,
    DecisionKind,
    DecisionView,
    HoldView,
    Page,
    PhotoView,
    RequestFilter,
    RequestRow,
    RequestState,
    RequestView,
)
from homeward.access.cases.opening import asked, in_force
from homeward.access.cases.photos import Photos
from homeward.access.cases.plain_words import summary
from homeward.access.cases.refusals import Refusals
from homeward.access.cases.rights import actions
from homeward.access.cases.tables import CaseRow, DecisionRow, PhotoRow
from homeward.access.errors import ForbiddenError, InvalidError, NotFoundError
from homeward.access.people.principal import Principal, Role
from homeward.access.sentence import Sentence
from homeward.shared.audit import Entry
from homeward.shared.authorisation import Purpose, Rank
from homeward.shared.instants import format_instant, parse_instant
from homewardapi.audit.v1 import audit_pb2

PAGE_MAX = 100


class Viewer:
    """Shows requests to those who may know of them."""

    def __init__(self, ground: Ground, photos: Photos) -> None:
        self._ground = ground
        self._photos = photos
        self._refusals = Refusals(ground.audit)

    def request(self, principal: Principal, request_id: str) -> RequestView:
        """Return one request; raise NotFoundError for one that `principal` may not know of."""
        with self._ground.database.read() as session:
            case = find(session, principal, request_id, self._refusals, lock=False)
            view = self._view(session, principal, case)
        self._ground.audit.record(_viewed(principal, audit_pb2.AUDIT_ACTION_REQUEST_VIEWED, request_id))
        return view

    def requests(self, principal: Principal, wanted: RequestFilter) -> Page[RequestRow]:
        """Return the requests that `principal` may know of, newest first."""
        if not 1 <= wanted.limit <= PAGE_MAX:
            raise InvalidError("limit", Sentence("a page has 1 to {most} requests", {"most": PAGE_MAX}), "limit")
        chosen = select(CaseRow).where(_seen_by(principal), *_wanted(principal, wanted))
        chosen = chosen.order_by(CaseRow.submitted_at.desc(), CaseRow.request_id.desc()).limit(wanted.limit + 1)
        with self._ground.database.read() as session:
            cases = session.scalars(chosen).all()
            rows = tuple(self._row(principal, case) for case in cases[: wanted.limit])
        self._ground.audit.record(_viewed(principal, audit_pb2.AUDIT_ACTION_REQUEST_VIEWED, None, "list"))
        more = len(cases) > wanted.limit
        return Page(rows, _cursor(rows[-1].submitted_at, rows[-1].request_id) if more else None)

    def photo(self, principal: Principal, request_id: str, index: int) -> bytes:
        """Return a reference photo, a JPEG; raise NotFoundError and ForbiddenError, ObjectStoreError."""
        with self._ground.database.read() as session:
            case = find(session, principal, request_id, self._refusals, lock=False)
            if RequestState(case.state).ended:
                raise NotFoundError("photo", "the photos are gone: the request has ended")
            if Action.SEE_PHOTOS not in actions(principal, case, self._ground.policy):
                error = ForbiddenError("photo", "your role does not open the photos")
                self._refusals.refuse(principal, error, request_id, audit_pb2.AUDIT_ACTION_PHOTO_VIEWED)
            waiting = self._photos.waiting(session, request_id, index)
        picture = waiting or self._photos.fetch(request_id, index)
        self._ground.audit.record(_viewed(principal, audit_pb2.AUDIT_ACTION_PHOTO_VIEWED, request_id))
        return picture

    def _row(self, principal: Principal, case: CaseRow) -> RequestRow:
        return RequestRow(
            request_id=case.request_id,
            purpose=Purpose(case.purpose),
            state=RequestState(case.state),
            urgent=case.urgent,
            case_reference=case.case_reference or "",
            requester_id=case.requester_id,
            cameras=len(case.camera_ids),
            submitted_at=case.submitted_at,
            expires_at=case.expires_at,
            due_at=case.due_at,
            needed_rank=Rank(case.needed_rank),
            may=actions(principal, case, self._ground.policy),
        )

    def _view(self, session: Session, principal: Principal, case: CaseRow) -> RequestView:
        purpose = Purpose(case.purpose)
        details = None if case.details is None else read_details(purpose, case.details)
        scope, first = in_force(case), asked(case)
        return RequestView(
            request_id=case.request_id,
            reference=case.reference,
            purpose=purpose,
            state=RequestState(case.state),
            urgent=case.urgent,
            case_reference=case.case_reference or "",
            reason=case.reason or "",
            details=details,
            requester_id=case.requester_id,
            requester_rank=Rank(case.requester_rank),
            camera_ids=scope.camera_ids,
            starts_at=scope.starts_at,
            ends_at=scope.ends_at,
            lifetime=scope.lifetime,
            unredacted=scope.unredacted,
            asked_camera_ids=first.camera_ids,
            asked_starts_at=first.starts_at,
            asked_ends_at=first.ends_at,
            asked_lifetime=first.lifetime,
            asked_unredacted=first.unredacted,
            submitted_at=case.submitted_at,
            decide_by=case.decide_by,
            urgent_deadline=case.urgent_deadline,
            opened_at=case.opened_at,
            expires_at=case.expires_at,
            ended_at=case.ended_at,
            due_at=case.due_at,
            hold=_hold(session, case.request_id),
            photos=_photos(session, case.request_id),
            decisions=_decisions(session, case.request_id),
            needed_rank=Rank(case.needed_rank),
            summary=summary(case, details),
            may=actions(principal, case, self._ground.policy),
        )


def _seen_by(principal: Principal) -> ColumnElement[bool]:
    """Return what `rights.sees` says, as a condition."""
    if principal.has(Role.APPROVER) or principal.has(Role.AUDITOR):
        return CaseRow.request_id.is_not(None)
    seen: list[ColumnElement[bool]] = []
    if principal.has(Role.REQUESTER):
        seen.append(CaseRow.requester_id == principal.official_id)
    if principal.has(Role.REVIEWER):
        searching = [purpose.value for purpose in Purpose if purpose.searches_faces]
        seen.append(and_(CaseRow.opened_at.is_not(None), CaseRow.purpose.in_(searching)))
    return or_(*seen) if seen else CaseRow.request_id.is_(None)


def _wanted(principal: Principal, wanted: RequestFilter) -> Sequence[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.states:
        conditions.append(CaseRow.state.in_(sorted(state.value for state in wanted.states)))
    if wanted.purpose is not None:
        conditions.append(CaseRow.purpose == wanted.purpose.value)
    if wanted.mine:
        conditions.append(CaseRow.requester_id == principal.official_id)
    if wanted.after is not None:
        at, request_id = _read_cursor(wanted.after)
        later = and_(CaseRow.submitted_at == at, CaseRow.request_id < request_id)
        # The first says no more than the second: it is the one that lets the index be entered where the page begins.
        conditions += [CaseRow.submitted_at <= at, or_(CaseRow.submitted_at < at, later)]
    return conditions


def _cursor(at: datetime, request_id: str) -> str:
    return f"{format_instant(at)}_{request_id}"


def _read_cursor(text: str) -> tuple[datetime, str]:
    at, _, request_id = text.partition("_")
    try:
        return parse_instant(at), str(UUID(request_id))
    except ValueError:
        raise InvalidError("after", "this is no place in the list", "after") from None


def _hold(session: Session, request_id: str) -> HoldView | None:
    hold = holds.of_request(session, request_id)
    return None if hold is None else HoldView(hold.hold_id, hold.expires_at, hold.released_at is not None)


def _photos(session: Session, request_id: str) -> tuple[PhotoView, ...]:
    rows = session.scalars(select(PhotoRow).where(PhotoRow.request_id == request_id).order_by(PhotoRow.position))
    return tuple(PhotoView(row.position, row.source or "", row.taken_on) for row in rows)


def _decisions(session: Session, request_id: str) -> tuple[DecisionView, ...]:
    chosen = select(DecisionRow).where(DecisionRow.request_id == request_id).order_by(DecisionRow.number)
    return tuple(
        DecisionView(DecisionKind(row.kind), row.official_id, Rank(row.official_rank), row.reason or "", row.at)
        for row in session.scalars(chosen)
    )


def _viewed(
    principal: Principal, action: audit_pb2.AuditAction.ValueType, request_id: str | None, code: str | None = None
) -> Entry:
    return Entry(action, principal.official_id, request_id=request_id, code=code)
