"""The use case of results: what review came to, for those who asked for the search and those who decided on it."""

from sqlalchemy import func, select

from homeward.access.database.database import Database
from homeward.access.people.principal import Principal
from homeward.access.review.admission import Admission
from homeward.access.review.entries import entry
from homeward.access.review.model import Outcome
from homeward.access.review.ports import ReviewCases
from homeward.access.review.tables import SightingRow
from homeward.access.review.verdict import Verdict
from homeward.access.review.views import BEST_FIRST, in_scope, progress_of, sighting_views
from homeward.shared.audit import Audit
from homeward.shared.clock import Clock
from homewardapi.audit.v1 import audit_pb2

CONFIRMED_MAX = 200
"""Confirmed sightings shown: one person walks past fewer cameras than that in 72 h."""


class Results:
    """What the officials of a case see. They cannot review it, so nothing here reaches a reviewer."""

    def __init__(self, database: Database, cases: ReviewCases, audit: Audit, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._admission = Admission(cases, audit)

    def outcome(self, principal: Principal, request_id: str) -> Outcome:
        """Return the verdicts so far: confirmed sightings in the order of time, the others as counts.

        An undecided sighting shows a stranger as likely as not, so neither time nor place nor picture of it is told.
        Raises NotFoundError and AuditUnavailableError.
        """
        with self._database.read() as session:
            case = self._admission.official(session, principal, request_id)
            counted = session.execute(
                select(SightingRow.verdict, func.count()).where(in_scope(case)).group_by(SightingRow.verdict)
            )
            counts = {Verdict(verdict): count for verdict, count in counted}
            best = session.scalars(
                select(SightingRow)
                .where(in_scope(case), SightingRow.verdict == Verdict.CONFIRMED.value)
                .order_by(*BEST_FIRST)
                .limit(CONFIRMED_MAX)
            ).all()
            rows = sorted(best, key=lambda row: (row.first_seen_at, row.sighting_id))
            confirmed = sighting_views(session, rows, {}, is_open=case.open_at(self._clock.now()))
            progress = progress_of(session, request_id)
            self._audit.record(entry(audit_pb2.AUDIT_ACTION_REQUEST_VIEWED, principal, case, "results"))
        return Outcome(
            undecided=counts.get(Verdict.OPEN, 0),
            disputed=counts.get(Verdict.DISPUTED, 0),
            confirmed=tuple(confirmed),
            rejected=counts.get(Verdict.REJECTED, 0),
            progress=progress,
        )
