"""How searches stand, and how they are ended: what operators and retention ask."""

from dataclasses import dataclass

from homeward.matching.authorisations import Authorisations
from homeward.matching.enrolment import Enrolment
from homeward.matching.messages import Refusal
from homeward.matching.ports import Meter, Subjects
from homeward.matching.subject import Count, StoredSubject, Wiped
from homeward.shared.telemetry.logging import get_logger

_log = get_logger()


@dataclass(frozen=True, slots=True)
class Standing:
    """How one search stands: its subject as stored, or why it was refused."""

    subject: StoredSubject | None
    refusal: Refusal | None


class Searches:
    """Asks and ends. Every method may raise StoreAwayError."""

    def __init__(
        self, *, authorisations: Authorisations, subjects: Subjects, enrolment: Enrolment, meter: Meter
    ) -> None:
        self._authorisations = authorisations
        self._subjects = subjects
        self._enrolment = enrolment
        self._meter = meter

    def standing(self, authorisation_id: str) -> Standing | None:
        """Return how a search stands; None when none is live here and none was refused."""
        if self._authorisations.live(authorisation_id) is not None:
            stored = self._subjects.find(authorisation_id)
            if stored:
                return Standing(max(stored, key=lambda subject: subject.expires_at), None)
        refusal = self._enrolment.refusal(authorisation_id)
        return None if refusal is None else Standing(None, refusal)

    def count(self) -> Count:
        """Return how many templates are at rest."""
        return self._subjects.count()

    def wipe(self, authorisation_id: str) -> Wiped:
        """Stop a search and delete its templates; idempotent. Raises NotWipedError when something is left."""
        # First: whoever enrols meanwhile asks afterwards whether the search is still wanted.
        self._authorisations.halt(authorisation_id)
        wiped = self._subjects.wipe(authorisation_id)
        self._meter.wiped("ASKED")
        _log.info("subject wiped", authorisation_id=authorisation_id, deleted=wiped.deleted, cause="ASKED")
        return wiped
