"""What is new in a search, for one reviewer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import or_, select, true
from sqlalchemy.orm import Session

from homeward.access.database.database import Database
from homeward.access.people.principal import Principal
from homeward.access.review.admission import Admission
from homeward.access.review.entries import entry
from homeward.access.review.model import Progress, SightingView
from homeward.access.review.ports import ReviewCase, ReviewCases
from homeward.access.review.tables import AnswerRow, SightingRow, TallyRow
from homeward.access.review.verdict import Standing, Verdict
from homeward.access.review.views import BEST_FIRST, in_scope, own_answers, progress_of, sighting_views
from homeward.shared.audit import Audit
from homeward.shared.clock import Clock
from homewardapi.audit.v1 import audit_pb2

BATCH_MAX: Final = 50
"""Sightings told at once. When more are new, the reader is told to read the list anew."""

_MOST: Final = BATCH_MAX + 1
_FEW: Final = 500


@dataclass(frozen=True, slots=True)
class News:
    """What is new: `number` is the feed's as of this look, `more` whether some had no room."""

    sightings: tuple[SightingView, ...]
    number: int
    progress: Progress
    more: bool
    ended: bool


class Feed:
    """Tells reviewers what is new. Safe to use from several threads.

    The feed's numbers count arrivals and final verdicts, of which every reviewer may know. That somebody answered is
    no part of it: a number that were left out would tell it. What others' answers made of a sighting that one has
    answered oneself, `Standing.DISPUTED`, is found by comparing with what one was told before.
    """

    def __init__(self, database: Database, cases: ReviewCases, audit: Audit, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._admission = Admission(cases, audit)

    def open(self, principal: Principal, request_id: str) -> bool:
        """Record that `principal` begins to follow a search, and return whether it is open.

        Raises NotFoundError, ForbiddenError and AuditUnavailableError.
        """
        with self._database.read() as session:
            case = self._admission.reviewer(session, principal, request_id)
            is_open = case.open_at(self._clock.now())
            self._audit.record(entry(audit_pb2.AUDIT_ACTION_REQUEST_VIEWED, principal, case, "stream"))
        return is_open

    def look(self, principal: Principal, request_id: str, number: int, known: Mapping[str, Standing]) -> News:
        """Return what is new since `number`, best first; `known` is how sightings stood when they were last told.

        Raises NotFoundError and ForbiddenError.
        """
        with self._database.read() as session:
            case = self._admission.reviewer(session, principal, request_id)
            # Before the sightings: what is committed in between comes with the next look.
            last = session.scalar(select(TallyRow.feed).where(TallyRow.request_id == request_id)) or 0
            is_open = case.open_at(self._clock.now())
            rows = [*self._new(session, case, number, last), *self._answered(session, principal, case, known)]
            chosen = list({row.sighting_id: row for row in rows}.values())
            chosen.sort(key=lambda row: (-row.rank, -row.score, row.sighting_id))
            shown = chosen[:BATCH_MAX]
            own = own_answers(session, principal.official_id, shown)
            views = sighting_views(session, shown, own, is_open=is_open)
            progress = progress_of(session, request_id)
        return News(tuple(views), last, progress, len(chosen) > BATCH_MAX, not is_open)

    def _new(self, session: Session, case: ReviewCase, number: int, last: int) -> list[SightingRow]:
        if last <= number:
            return []
        new = or_(SightingRow.arrived > number, SightingRow.decided > number) if number else true()
        few = last - number <= _FEW
        # With few new ones the feed's own index finds them; by the list's index all others would be passed over first.
        order = [(SightingRow.rank + 0).desc(), *BEST_FIRST[1:]] if few else BEST_FIRST
        return list(session.scalars(select(SightingRow).where(in_scope(case), new).order_by(*order).limit(_MOST)))

    def _answered(
        self, session: Session, principal: Principal, case: ReviewCase, known: Mapping[str, Standing]
    ) -> list[SightingRow]:
        """Return the undecided sightings that `principal` has answered and that stand otherwise than is known."""
        mine = select(AnswerRow.sighting_id).where(
            AnswerRow.request_id == case.request_id, AnswerRow.reviewer_id == principal.official_id
        )
        undecided = SightingRow.verdict.in_([Verdict.OPEN.value, Verdict.DISPUTED.value])
        wanted = select(SightingRow).where(SightingRow.sighting_id.in_(mine), in_scope(case), undecided)
        stands = {Verdict.OPEN.value: Standing.WAITING, Verdict.DISPUTED.value: Standing.DISPUTED}
        return [row for row in session.scalars(wanted) if known.get(row.sighting_id) is not stands[row.verdict]]
