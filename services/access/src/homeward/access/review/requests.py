"""The port `ReviewCases` on the tables of requests."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from homeward.access.cases.model import RequestState
from homeward.access.cases.tables import CaseRow, DecisionRow, PhotoRow
from homeward.access.review.ports import ReviewCase
from homeward.shared.authorisation import Purpose
from homeward.shared.objectkeys import photo_key

_SEARCHING = tuple(purpose.value for purpose in Purpose if purpose.searches_faces)
_RUNNING = tuple(state.value for state in RequestState if state.runs)


class RequestCases:
    """Reads requests as review needs them; it keeps nothing."""

    def find(self, session: Session, request_id: str) -> ReviewCase | None:
        """Return a request that was opened once and searches a face, open or ended; None for any other."""
        case = session.get(CaseRow, request_id, populate_existing=True)
        if case is None or case.opened_at is None or case.purpose not in _SEARCHING:
            return None
        (found,) = _review_cases(session, [case])
        return found

    def open(self, session: Session, now: datetime) -> Sequence[ReviewCase]:
        """Return the requests that are open at `now`, oldest first."""
        chosen = select(CaseRow).where(
            CaseRow.state.in_(_RUNNING),
            CaseRow.purpose.in_(_SEARCHING),
            CaseRow.opened_at.is_not(None),
            CaseRow.expires_at > now,
        )
        return _review_cases(session, session.scalars(chosen.order_by(CaseRow.opened_at, CaseRow.request_id)).all())


def _review_cases(session: Session, rows: Sequence[CaseRow]) -> list[ReviewCase]:
    ids = [row.request_id for row in rows]
    officials = {row.request_id: {row.requester_id} for row in rows}
    decided = select(DecisionRow.request_id, DecisionRow.official_id).where(DecisionRow.request_id.in_(ids))
    for request_id, official_id in session.execute(decided):
        officials[request_id].add(official_id)
    photos: dict[str, list[str]] = {request_id: [] for request_id in ids}
    kept = (
        select(PhotoRow.request_id, PhotoRow.position).where(PhotoRow.request_id.in_(ids)).order_by(PhotoRow.position)
    )
    for request_id, position in session.execute(kept):
        photos[request_id].append(photo_key(request_id, position))
    return [
        _review_case(row, row.opened_at, frozenset(officials[row.request_id]), tuple(photos[row.request_id]))
        for row in rows
        if row.opened_at is not None
    ]


def _review_case(case: CaseRow, opened_at: datetime, officials: frozenset[str], photos: tuple[str, ...]) -> ReviewCase:
    # One that is neither open nor has an end was refused before it could run: it counts as ended from the start.
    ended_at = case.ended_at if RequestState(case.state).ended else None
    expires_at = case.expires_at or ended_at or opened_at
    return ReviewCase(
        request_id=case.request_id,
        purpose=Purpose(case.purpose),
        case_reference=case.case_reference or "",
        officials=officials,
        camera_ids=frozenset(case.camera_ids),
        window_starts_at=case.starts_at,
        window_ends_at=expires_at if case.ends_at is None else case.ends_at,
        opened_at=opened_at,
        expires_at=expires_at,
        ended_at=ended_at,
        photos=photos,
    )
