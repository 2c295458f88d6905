"""What becomes of sightings when their search has ended: the references to pictures go, times and answers stay."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select, update

from homeward.access.database.database import Database, DatabaseAwayError
from homeward.access.review.ports import ReviewCases
from homeward.access.review.tables import PartRow, PictureRow, SightingRow, TallyRow
from homeward.shared.clock import Clock
from homeward.shared.runtime.repeating import Repeating

_LOOK: Final = timedelta(seconds=10)


class Forgetting:
    """Forgets, for each search, `keep` after its end. Nothing is shown from the end on in any case."""

    def __init__(self, database: Database, cases: ReviewCases, clock: Clock, keep: timedelta) -> None:
        self._database = database
        self._cases = cases
        self._clock = clock
        self._keep = keep

    def part(self) -> Repeating:
        """Return the part that forgets what is due, every ten seconds."""
        return Repeating("review forgetting", lambda: self.forget(self._clock.now()), _LOOK, (DatabaseAwayError,))

    def forget(self, now: datetime) -> int:
        """Forget what is due at `now`, each search in a transaction of its own; return how many searches that were.

        Raises DatabaseAwayError.
        """
        with self._database.read() as session:
            waiting = session.scalars(select(TallyRow.request_id).where(TallyRow.closed.is_(False))).all()
        return sum(self._forget(request_id, now) for request_id in waiting)

    def _forget(self, request_id: str, now: datetime) -> bool:
        with self._database.begin() as session:
            case = self._cases.find(session, request_id)
            ended = None if case is None else case.ended_by(now)
            if case is not None and (ended is None or now < ended + self._keep):
                return False
            sightings = select(SightingRow.sighting_id).where(SightingRow.request_id == request_id)
            session.execute(delete(PictureRow).where(PictureRow.sighting_id.in_(sightings)))
            session.execute(update(SightingRow).where(SightingRow.request_id == request_id).values(crops_key=None))
            session.execute(delete(PartRow).where(PartRow.request_id == request_id))
            session.execute(update(TallyRow).where(TallyRow.request_id == request_id).values(closed=True))
        return True
