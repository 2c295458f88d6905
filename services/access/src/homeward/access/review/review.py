"""The use case of reviewers: which searches, which sightings, and what they say of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, and_, exists, false, func, not_, or_, select
from sqlalchemy.orm import Session

from homeward.access.database.database import Database
from homeward.access.errors import NotFoundError
from homeward.access.people.principal import Principal
from homeward.access.review.admission import Admission
from homeward.access.review.entries import entry
from homeward.access.review.model import CaseView, SightingList, SightingView
from homeward.access.review.ports import ReviewCase, ReviewCases
from homeward.access.review.tables import AnswerRow, SightingRow
from homeward.access.review.verdict import Verdict
from homeward.access.review.views import (
    BEST_FIRST,
    after,
    in_scope,
    in_window,
    own_answers,
    progress_of_each,
    sighting_views,
)
from homeward.shared.audit import Audit, Entry
from homeward.shared.clock import Clock
from homewardapi.audit.v1 import audit_pb2

LIST_MAX: Final = 50
"""Sightings in one part of a list. There is no way to take more at once."""

_UNDECIDED: Final = (Verdict.OPEN.value, Verdict.DISPUTED.value)


def _asked_of(reviewer_id: str) -> ColumnElement[bool]:
    """Return the condition that a sighting awaits this reviewer's answer; others' answers have no part in it."""
    answered = exists().where(
        and_(AnswerRow.sighting_id == SightingRow.sighting_id, AnswerRow.reviewer_id == reviewer_id)
    )
    return and_(SightingRow.verdict.in_(_UNDECIDED), not_(answered))


class Review:
    """What reviewers see. Every look is recorded before anything is shown; safe to use from several threads."""

    def __init__(self, database: Database, cases: ReviewCases, audit: Audit, clock: Clock) -> None:
        self._database = database
        self._cases = cases
        self._audit = audit
        self._clock = clock
        self._admission = Admission(cases, audit)

    def searches(self, principal: Principal) -> list[CaseView]:
        """Return the open searches that `principal` may review, oldest first.

        Raises ForbiddenError and AuditUnavailableError.
        """
        self._admission.check_reviewer(principal)
        with self._database.read() as session:
            cases = self._cases.open(session, self._clock.now())
            others = [case for case in cases if principal.official_id not in case.officials]
            found = self._case_views(session, principal, others)
            self._audit.record(
                Entry(audit_pb2.AUDIT_ACTION_REQUEST_VIEWED, principal.official_id, code="review_searches")
            )
        return found

    def search(self, principal: Principal, request_id: str) -> CaseView:
        """Return one search, open or ended. Raises NotFoundError, ForbiddenError and AuditUnavailableError."""
        with self._database.read() as session:
            case = self._admission.reviewer(session, principal, request_id)
            (view,) = self._case_views(session, principal, [case])
            self._record(principal, case, None)
        return view

    def sightings(self, principal: Principal, request_id: str, start: str | None = None) -> SightingList:
        """Return at most `LIST_MAX` sightings of a search, best first, from the one after the sighting `start`.

        Raises NotFoundError, ForbiddenError and AuditUnavailableError.
        """
        with self._database.read() as session:
            case = self._admission.reviewer(session, principal, request_id)
            wanted = in_scope(case)
            if start is not None:
                wanted = and_(wanted, after(_row(session, case, start)))
            rows = session.scalars(select(SightingRow).where(wanted).order_by(*BEST_FIRST).limit(LIST_MAX + 1)).all()
            shown = rows[:LIST_MAX]
            own = own_answers(session, principal.official_id, shown)
            views = sighting_views(session, shown, own, is_open=case.open_at(self._clock.now()))
            self._record(principal, case, None, "sightings")
        return SightingList(tuple(views), shown[-1].sighting_id if len(rows) > LIST_MAX else None)

    def sighting(self, principal: Principal, sighting_id: str) -> SightingView:
        """Return one sighting. Raises NotFoundError, ForbiddenError and AuditUnavailableError."""
        with self._database.read() as session:
            case, row = self.admitted(session, principal, sighting_id)
            own = own_answers(session, principal.official_id, [row])
            (view,) = sighting_views(session, [row], own, is_open=case.open_at(self._clock.now()))
            self._record(principal, case, sighting_id)
        return view

    def next_asked(self, principal: Principal, request_id: str) -> str | None:
        """Return the best sighting of a search that awaits the answer of `principal`, None when none does.

        Raises NotFoundError and ForbiddenError.
        """
        with self._database.read() as session:
            case = self._admission.reviewer(session, principal, request_id)
            if not case.open_at(self._clock.now()):
                return None
            wanted = and_(in_scope(case), _asked_of(principal.official_id))
            return session.scalar(select(SightingRow.sighting_id).where(wanted).order_by(*BEST_FIRST).limit(1))

    def admitted(self, session: Session, principal: Principal, sighting_id: str) -> tuple[ReviewCase, SightingRow]:
        """Return a sighting that `principal` may review, and its search; raise NotFoundError and ForbiddenError."""
        self._admission.check_reviewer(principal)
        found = session.get(SightingRow, sighting_id)
        if found is None:
            raise NotFoundError("sighting", "there is no such sighting")
        case = self._admission.reviewer(session, principal, found.request_id)
        return case, _row(session, case, sighting_id)

    def _case_views(self, session: Session, principal: Principal, cases: Sequence[ReviewCase]) -> list[CaseView]:
        counts = _counts_of_each(session, principal.official_id, cases)
        progress = progress_of_each(session, [case.request_id for case in cases])
        return [
            CaseView(
                request_id=case.request_id,
                purpose=case.purpose,
                case_reference=case.case_reference,
                opened_at=case.opened_at,
                expires_at=case.expires_at,
                ended_at=case.ended_by(self._clock.now()),
                photos=len(case.photos),
                sightings=counts[case.request_id].sightings,
                asked=counts[case.request_id].asked,
                progress=progress[case.request_id],
            )
            for case in cases
        ]

    def _record(self, principal: Principal, case: ReviewCase, sighting_id: str | None, code: str | None = None) -> None:
        action = (
            audit_pb2.AUDIT_ACTION_REQUEST_VIEWED if sighting_id is None else audit_pb2.AUDIT_ACTION_SIGHTING_VIEWED
        )
        self._audit.record(entry(action, principal, case, code, sighting_id=sighting_id))


@dataclass(slots=True)
class _Counts:
    sightings: int = 0
    asked: int = 0


def _counts_of_each(session: Session, reviewer_id: str, cases: Sequence[ReviewCase]) -> dict[str, _Counts]:
    """Return how many sightings each search has, and how many of them await this reviewer's answer."""
    asked = func.count().filter(_asked_of(reviewer_id))
    # By camera, because a hundred searches of hundreds of cameras name more than a statement can hold.
    by_camera = (
        select(SightingRow.request_id, SightingRow.camera_id, func.count(), asked)
        .where(or_(false(), *map(in_window, cases)))
        .group_by(SightingRow.request_id, SightingRow.camera_id)
    )
    counts = {case.request_id: _Counts() for case in cases}
    cameras = {case.request_id: case.camera_ids for case in cases}
    for request_id, camera_id, number, number_asked in session.execute(by_camera):
        if camera_id in cameras[request_id]:
            counts[request_id].sightings += number
            counts[request_id].asked += number_asked
    return counts


def _row(session: Session, case: ReviewCase, sighting_id: str) -> SightingRow:
    row = session.scalar(select(SightingRow).where(in_scope(case), SightingRow.sighting_id == sighting_id))
    if row is None:
        raise NotFoundError("sighting", "there is no such sighting")
    return row
