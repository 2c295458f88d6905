"""The sweep: whatever happens elsewhere, a template does not outlive its authorisation by more than a second or two."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from homeward.matching.authorisations import Authorisations
from homeward.matching.ports import Meter, StoreAwayError, Subjects
from homeward.shared.clock import Clock
from homeward.shared.runtime.repeating import Repeating
from homeward.shared.telemetry.logging import get_logger

INTERVAL: Final = timedelta(seconds=1)

ORPHAN_AFTER: Final = timedelta(seconds=15)
"""How long a template may stand whose authorisation this replica does not know: another may have enrolled it a
moment ago, and this one will learn of it within seconds."""

_log = get_logger()


class Sweeper:
    """Compares the store with the authorisations, each second, and wipes what has no right to be there."""

    def __init__(
        self,
        *,
        authorisations: Authorisations,
        subjects: Subjects,
        clock: Clock,
        meter: Meter,
        known: Callable[[], bool],
    ) -> None:
        """`known` says whether every authorisation written so far is known."""
        self._authorisations = authorisations
        self._subjects = subjects
        self._clock = clock
        self._meter = meter
        self._known = known
        self._orphans: dict[str, datetime] = {}

    def part(self) -> Repeating:
        """Return the part that sweeps. A NotWipedError ends the service: it must not go on then."""
        return Repeating("sweeper", self.sweep, INTERVAL, (StoreAwayError,))

    def sweep(self) -> None:
        """Wipe every subject whose authorisation has ended or is not known. Raises StoreAwayError, NotWipedError."""
        enrolled = self._subjects.enrolled()
        causes = {authorisation_id: self._cause(authorisation_id) for authorisation_id in enrolled}
        for authorisation_id, cause in causes.items():
            if cause is not None:
                wiped = self._subjects.wipe(authorisation_id)
                self._orphans.pop(authorisation_id, None)
                self._meter.wiped(cause)
                _log.info("subject wiped", authorisation_id=authorisation_id, deleted=wiped.deleted, cause=cause)
        for gone in self._orphans.keys() - enrolled:
            del self._orphans[gone]
        self._meter.at_rest(self._subjects.count())

    def _cause(self, authorisation_id: str) -> str | None:
        """Return why a subject must be wiped now, or None."""
        if self._authorisations.live(authorisation_id) is not None:
            self._orphans.pop(authorisation_id, None)
            return None
        if self._authorisations.ended(authorisation_id):
            return "CLOSED"
        # What this replica knows may be the token before the last: the store tells until when the last one holds.
        now = self._clock.now()
        if all(stored.expires_at <= now for stored in self._subjects.find(authorisation_id)):
            return "EXPIRED"
        if not self._known():
            return None
        since = self._orphans.setdefault(authorisation_id, now)
        return "ORPHANED" if now - since >= ORPHAN_AFTER else None
