"""Deciding: a second person agrees, narrows or refuses; an urgent search begins on one signature; anybody stops it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from homeward.access.cases.documents import approval_digest
from homeward.access.cases.ending import Ended, Ender
from homeward.access.cases.ground import Ground
from homeward.access.cases.lookups import find
from homeward.access.cases.model import REASON_MAX, REASON_MIN, Action, Approval, DecisionKind, RequestState
from homeward.access.cases.opening import Opener, asked
from homeward.access.cases.photos import Photos
from homeward.access.cases.ports import Reviews
from homeward.access.cases.refusals import Refusals
from homeward.access.cases.rights import actions
from homeward.access.cases.scope import Scope
from homeward.access.cases.tables import CaseRow, DecisionRow
from homeward.access.cases.texts import clean
from homeward.access.errors import AccessError, ConflictError, ForbiddenError
from homeward.access.people.principal import Principal
from homeward.access.sentence import Sentence
from homeward.shared.audit import Entry
from homeward.shared.authorisation import Purpose
from homeward.shared.authorisation.policy import Official
from homewardapi.audit.v1 import audit_pb2


@dataclass(frozen=True, slots=True)
class _Change:
    """A request that is being changed, locked until its transaction ends."""

    session: Session
    case: CaseRow
    principal: Principal
    now: datetime


class Decider:
    """Takes decisions, each in one transaction with its event, and recorded before it counts."""

    def __init__(self, ground: Ground, photos: Photos, opener: Opener, ender: Ender, reviews: Reviews) -> None:
        self._ground = ground
        self._photos = photos
        self._opener = opener
        self._ender = ender
        self._reviews = reviews
        self._refusals = Refusals(ground.audit)

    def start(self, principal: Principal, request_id: str) -> None:
        """Begin an urgent search on its requester's signature alone, until the policy's deadline."""
        with self._changing(principal, request_id, Action.START) as change:
            self._open(change, ())
            _decided(change, DecisionKind.STARTED, "")
            self._record(change, audit_pb2.AUDIT_ACTION_REQUEST_STARTED, change.case.digest)

    def approve(self, principal: Principal, request_id: str, approval: Approval) -> None:
        """Agree to a request, or to less of it: the search begins, or goes on with its second signature."""
        reason = clean(approval.reason, "reason", least=REASON_MIN, most=REASON_MAX, lines=True)
        with self._changing(principal, request_id, Action.NARROW) as change:
            self._require_no_reviewer(change)
            case, whole = change.case, asked(change.case)
            scope = whole.narrowed(approval)
            self._require_rank(change, scope)
            _set(case, scope)
            self._open(change, (principal.official,))
            agreed = approval_digest(case.digest, principal.official_id, reason, scope, case.salt or b"")
            if scope == whole:
                _decided(change, DecisionKind.APPROVED, reason)
                self._record(change, audit_pb2.AUDIT_ACTION_REQUEST_APPROVED, agreed)
            else:
                _decided(change, DecisionKind.NARROWED, reason)
                self._record(change, audit_pb2.AUDIT_ACTION_REQUEST_NARROWED, agreed)

    def refuse(self, principal: Principal, request_id: str, reason: str) -> None:
        """Refuse a request, or the second signature of one that runs: that one stops and is wiped."""
        reason = clean(reason, "reason", least=REASON_MIN, most=REASON_MAX, lines=True)
        with self._changing(principal, request_id, Action.REFUSE) as change:
            _decided(change, DecisionKind.REFUSED, reason)
            ended = self._end(change, RequestState.REFUSED)
        self._ender.finish(ended)

    def stop(self, principal: Principal, request_id: str, reason: str, *, found: bool = False) -> None:
        """End a request now: its requester's and every approver's right; `found` says that the person is."""
        reason = clean(reason, "reason", least=1, most=REASON_MAX, lines=True)
        with self._changing(principal, request_id, Action.STOP) as change:
            _decided(change, DecisionKind.STOPPED, reason)
            ended = self._end(change, RequestState.CLOSED if found else RequestState.STOPPED)
        self._ender.finish(ended)

    @contextmanager
    def _changing(self, principal: Principal, request_id: str, action: Action) -> Iterator[_Change]:
        """Yield the request, locked, when `principal` may do `action` with it; refuse and record otherwise."""
        with self._ground.database.begin() as session:
            case = find(session, principal, request_id, self._refusals, lock=True)
            now = self._ground.clock.now()
            if case.expires_at is not None and case.expires_at <= now:
                raise ConflictError("expired", "the request has ended by itself")
            if action not in actions(principal, case, self._ground.policy):
                self._refusals.refuse(principal, _why_not(principal, case, action), request_id)
            ran = RequestState(case.state).runs
            try:
                yield _Change(session, case, principal, now)
            except BaseException:
                if not ran and action in {Action.START, Action.NARROW}:
                    # While the request is still locked: whoever comes next hands the photos over anew.
                    self._photos.wipe(request_id)
                raise

    def _open(self, change: _Change, approvers: Sequence[Official]) -> None:
        try:
            self._opener.open(change.session, change.case, approvers, change.now)
        except AccessError as error:
            self._refusals.refuse(change.principal, error, change.case.request_id)

    def _require_no_reviewer(self, change: _Change) -> None:
        """Refuse whoever reviewed an urgent search its approval: a sighting is judged by others than decide on it."""
        if self._reviews.has_answered(change.session, change.case.request_id, change.principal.official_id):
            reason = Sentence("you have answered its sightings as a reviewer, so somebody else must approve it")
            self._refusals.refuse(change.principal, ForbiddenError("reviewed", reason), change.case.request_id)

    def _require_rank(self, change: _Change, scope: Scope) -> None:
        needed = self._ground.policy.needed_rank(
            Purpose(change.case.purpose),
            len(scope.camera_ids),
            scope.span(change.case.submitted_at),
            unredacted=scope.unredacted,
        )
        if not change.principal.rank.reaches(needed):
            reason = Sentence("so much needs the rank of {rank}; narrow it, or leave it to them", {"rank": needed})
            self._refusals.refuse(change.principal, ForbiddenError("rank", reason), change.case.request_id)

    def _end(self, change: _Change, state: RequestState) -> Ended:
        ended = self._ender.end(change.session, change.case, state, change.principal.official_id, change.now)
        change.session.flush()
        self._ground.audit.record(*ended.entries)
        return ended

    def _record(self, change: _Change, action: audit_pb2.AuditAction.ValueType, digest: str) -> None:
        case = change.case
        change.session.flush()
        self._ground.audit.record(
            Entry(
                action,
                change.principal.official_id,
                request_id=case.request_id,
                authorisation_id=case.request_id if Purpose(case.purpose).searches_faces else None,
                purpose=case.purpose,
                digest=digest,
            )
        )


def _decided(change: _Change, kind: DecisionKind, reason: str) -> None:
    change.session.add(
        DecisionRow(
            request_id=change.case.request_id,
            kind=kind.value,
            official_id=change.principal.official_id,
            official_rank=change.principal.rank.value,
            reason=reason,
            at=change.now,
        )
    )


def _set(case: CaseRow, scope: Scope) -> None:
    case.camera_ids = list(scope.camera_ids)
    case.starts_at, case.ends_at = scope.starts_at, scope.ends_at
    case.lifetime_s, case.unredacted = int(scope.lifetime.total_seconds()), scope.unredacted


def _why_not(principal: Principal, case: CaseRow, action: Action) -> AccessError:
    state = RequestState(case.state)
    if state.ended:
        return ConflictError("ended", "the request has ended; ask anew")
    if action is Action.START:
        if state.runs:
            return ConflictError("state", "the search runs already")
        return ForbiddenError("urgent", "only the requester of an urgent search may start it")
    if action in {Action.NARROW, Action.REFUSE}:
        if principal.official_id == case.requester_id:
            return ForbiddenError("own_request", "nobody decides upon their own request")
        if state is RequestState.OPEN:
            return ConflictError("state", "the request was approved already")
    return ForbiddenError("rank", "your role or rank does not decide this")
