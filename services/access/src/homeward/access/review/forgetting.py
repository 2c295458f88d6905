"""What becomes of sightings when their search has ended: the references to pictures go, times and answers stay."""

import threading
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select, update

from homeward.access.database.database import Database, DatabaseAwayError
from homeward.access.review.ports import ReviewCases
from homeward.access.review.tables import PartRow, PictureRow, SightingRow, TallyRow
from homeward.shared.clock import Clock
from homeward.shared.telemetry.logging import get_logger

_LOOK_S: Final = 10.0

_log = get_logger()


class Forgetting:
    """A part that forgets, for each search, `keep` after its end. Nothing is shown from the end on in any case."""

    def __init__(self, database: Database, cases: ReviewCases, clock: Clock, keep: timedelta) -> None:
        self.name = "review forgetting"
        self._database = database
        self._cases = cases
        self._clock = clock
        self._keep = keep
        self._well = threading.Event()

    def ready(self) -> bool:
        """Whether the last look went well."""
        return self._well.is_set()

    def run(self, stop: threading.Event) -> None:
        """Look every ten seconds until `stop` is set."""
        while not stop.is_set():
            try:
                self.forget(self._clock.now())
            except DatabaseAwayError as error:
                self._well.clear()
                _log.warning("forgetting waits", error=error)
            else:
                self._well.set()
            stop.wait(_LOOK_S)

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
