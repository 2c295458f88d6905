"""Finding a request: locked for whoever changes it, hidden from whoever may not know of it."""

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from homeward.access.cases.model import RequestState
from homeward.access.cases.refusals import Refusals
from homeward.access.cases.rights import sees
from homeward.access.cases.tables import CaseRow
from homeward.access.errors import NotFoundError
from homeward.access.people.principal import Principal
from homeward.shared.authorisation import Purpose

_RUNNING = (RequestState.OPEN.value, RequestState.OPEN_URGENT.value)
_SEARCHING = tuple(purpose.value for purpose in Purpose if purpose.searches_faces)
_SEARCHES_LOCK = 0x484F4D45
"""The advisory lock of PostgreSQL under which searches are counted and opened: any number that is ours."""


def find(session: Session, principal: Principal, request_id: str, refusals: Refusals, *, lock: bool) -> CaseRow:
    """Return a request that `principal` may know of, locked until the transaction ends where `lock` says so.

    Raises NotFoundError; where there is such a request all the same, the try is recorded.
    """
    chosen = select(CaseRow).where(CaseRow.request_id == request_id)
    case = session.scalars(chosen.with_for_update() if lock else chosen).one_or_none()
    missing = NotFoundError("request", "there is no such request")
    if case is None:
        raise missing
    if not sees(principal, case):
        refusals.refuse(principal, missing, request_id)
    return case


def count_searches(session: Session, aside: str) -> int:
    """Return how many face searches are open, `aside` not counted; no other is opened until the transaction ends.

    On SQLite every transaction has the database to itself.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _SEARCHES_LOCK})
    counted = select(func.count()).where(
        CaseRow.state.in_(_RUNNING), CaseRow.purpose.in_(_SEARCHING), CaseRow.request_id != aside
    )
    return session.scalar(counted) or 0
