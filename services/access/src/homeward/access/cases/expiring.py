"""What ends by itself: requests, urgent searches without a second signature, searches, holds, what people wrote."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from homeward.access.cases import holds
from homeward.access.cases.ending import Ended, Ender
from homeward.access.cases.ground import Ground
from homeward.access.cases.model import RequestState
from homeward.access.cases.tables import CaseRow, DecisionRow, HoldRow, PhotoRow
from homeward.access.database.database import DatabaseAwayError
from homeward.access.outbox.outbox import SOURCE
from homeward.shared.audit import AuditUnavailableError, Entry
from homeward.shared.authorisation import Purpose
from homeward.shared.clock import Clock
from homeward.shared.runtime.repeating import Repeating
from homewardapi.audit.v1 import audit_pb2

_BATCH: Final = 100
_LOOK: Final = timedelta(seconds=1)


class Expirer:
    """Ends what has run out of time, each in a transaction of its own, by several replicas at once if need be."""

    def __init__(self, ground: Ground, ender: Ender) -> None:
        self._ground = ground
        self._ender = ender

    def expire(self, now: datetime) -> int:
        """End everything whose time is over at `now`; return how much that was.

        Raises DatabaseAwayError and AuditUnavailableError: what is left ends at the next call. No search runs on
        meanwhile, since every service judges the token's own end.
        """
        ended = [self._expire(request_id, now) for request_id in self._chosen(_due(now))]
        released = [self._release(hold_id, now) for hold_id in self._chosen(_held(now))]
        forgotten = [self._forget(request_id) for request_id in self._chosen(_told(now))]
        return sum(map(bool, [*ended, *released, *forgotten]))

    def _chosen(self, chosen: Select[str]) -> list[str]:
        with self._ground.database.read() as session:
            return list(session.scalars(chosen.limit(_BATCH)))

    def _expire(self, request_id: str, now: datetime) -> Ended | None:
        with self._ground.database.begin() as session:
            due = select(CaseRow).where(CaseRow.request_id == request_id, CaseRow.expires_at <= now)
            case = session.scalars(due.with_for_update(skip_locked=True)).one_or_none()
            if case is None or case.expires_at is None:
                return None
            code = {
                RequestState.SUBMITTED: "undecided",
                RequestState.OPEN_URGENT: "no_second_signature",
            }.get(RequestState(case.state), RequestState.EXPIRED.value)
            # The end is the token's own, so that retention, which tells it too, tells the same.
            ended = self._ender.end(session, case, RequestState.EXPIRED, SOURCE, case.expires_at, code=code)
            session.flush()
            self._ground.audit.record(*ended.entries)
        self._ender.finish(ended)
        return ended

    def _release(self, hold_id: str, now: datetime) -> bool:
        with self._ground.database.begin() as session:
            due = select(HoldRow).where(HoldRow.hold_id == hold_id, HoldRow.expires_at <= now)
            hold = session.scalars(due.with_for_update(skip_locked=True)).one_or_none()
            if hold is None or not holds.release(session, hold, hold.expires_at):
                return False
            session.flush()
            self._ground.audit.record(holds.released(hold, SOURCE, RequestState.EXPIRED.value))
        return True

    def _forget(self, request_id: str) -> bool:
        """Erase what people wrote in a request; its ids, times and decisions stay."""
        with self._ground.database.begin() as session:
            chosen = select(CaseRow).where(CaseRow.request_id == request_id, CaseRow.texts_until.is_not(None))
            case = session.scalars(chosen.with_for_update(skip_locked=True)).one_or_none()
            if case is None:
                return False
            case.case_reference = case.reason = case.details = case.salt = case.texts_until = None
            session.execute(update(DecisionRow).where(DecisionRow.request_id == request_id).values(reason=None))
            session.execute(update(PhotoRow).where(PhotoRow.request_id == request_id).values(source=None))
            session.flush()
            deleted = Entry(audit_pb2.AUDIT_ACTION_DELETED, SOURCE, request_id=request_id, code="texts")
            self._ground.audit.record(deleted)
        return True


def end_searches(session: Session, now: datetime) -> None:
    """Have every face search that runs end by itself now, within the caller's transaction."""
    running = [state.value for state in RequestState if state.runs]
    searching = [purpose.value for purpose in Purpose if purpose.searches_faces]
    chosen = update(CaseRow).where(CaseRow.state.in_(running), CaseRow.purpose.in_(searching))
    session.execute(chosen.values(expires_at=now))


def _due(now: datetime) -> Select[str]:
    return select(CaseRow.request_id).where(CaseRow.expires_at <= now).order_by(CaseRow.expires_at)


def _held(now: datetime) -> Select[str]:
    return select(HoldRow.hold_id).where(HoldRow.released_at.is_(None), HoldRow.expires_at <= now)


def _told(now: datetime) -> Select[str]:
    return select(CaseRow.request_id).where(CaseRow.texts_until <= now)


def lifecycle(expirer: Expirer, clock: Clock) -> Repeating:
    """Return the part that ends what has run out of time, each second."""
    patient = (DatabaseAwayError, AuditUnavailableError)
    return Repeating("lifecycle", lambda: expirer.expire(clock.now()), _LOOK, patient)
