"""An authorisation in, a plan out: enrol the subject, then cut the recordings into tasks."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from homeward.matching import messages
from homeward.matching.authorisations import Authorisations, Search
from homeward.matching.enrolment import Enrolment
from homeward.matching.messages import Refusal
from homeward.matching.plan import Stretch, camera_time, cut, partitions_of
from homeward.matching.ports import Log, SearchEndedError
from homeward.shared.clock import Clock
from homeward.shared.events import Event, InvalidEventError
from homeward.shared.runtime.handler import RetryableError
from homeward.shared.telemetry.logging import get_logger
from homeward.shared.topics import FACES, FOOTAGE_RETENTION
from homewardapi.authorisation.v1.authorisation_pb2 import Authorisation
from homewardapi.search.v1.search_pb2 import REFUSAL_REASON_NOT_AUTHORISED

CAMERA_CLOCK_SKEW: Final = timedelta(hours=1)
"""How far a camera's clock may run ahead of the broker's: a clip's faces are written after the clip was taken, but
for that."""

_log = get_logger()


class PlanningHandler:
    """Handles `homeward.authorisations.v1` for the whole service: one replica admits and plans each search.

    Replayed, it enrols and plans again with the same ids. It knows no other effect than the subject in the store.
    """

    def __init__(
        self,
        *,
        authorisations: Authorisations,
        enrolment: Enrolment,
        log: Log,
        clock: Clock,
        task_messages: int,
        handover: timedelta,
        ready: Callable[[], bool],
    ) -> None:
        """`task_messages` bounds a task; `handover` is how long replicas may take to see a new authorisation.

        `ready` says whether every authorisation written so far is known.
        """
        self._authorisations = authorisations
        self._enrolment = enrolment
        self._log = log
        self._clock = clock
        self._task_messages = task_messages
        self._handover = handover
        self._ready = ready

    def handle(self, event: Event) -> Sequence[Event]:
        """Return the plan of an open authorisation, or its refusal; nothing for one that is closed.

        Raises RetryableError while the embedder, the store or the log is away.
        """
        if not isinstance(event.message, Authorisation | None):
            raise InvalidEventError("the event is no authorisation")
        if not self._ready():
            raise RetryableError("the authorisations are not all read yet", retry_after=timedelta(seconds=0.2))
        authorisation_id = event.key
        self._authorisations.apply(authorisation_id, event.message)
        search = self._authorisations.live(authorisation_id)
        if search is None:
            return self._deny(authorisation_id)
        try:
            refusal = self._enrolment.admit(search)
        except SearchEndedError:
            return []
        if refusal is not None:
            return [messages.refused(authorisation_id, refusal, self._clock.now())]
        return self._plan(search) if search.authorisation.archive else []

    def _deny(self, authorisation_id: str) -> list[Event]:
        denial = self._authorisations.denial(authorisation_id)
        if denial is None:
            return []
        _log.warning("authorisation denied", authorisation_id=authorisation_id, denial=str(denial.code))
        refusal = self._enrolment.refuse(authorisation_id, Refusal(REFUSAL_REASON_NOT_AUTHORISED))
        return [messages.refused(authorisation_id, refusal, self._clock.now())]

    def _plan(self, search: Search) -> list[Event]:
        # A clip is either read by every replica's live search with the subject enrolled, or stands before the end
        # that is asked for here. Replicas learn of an authorisation one after the other, hence the wait between.
        self._clock.sleep(self._handover.total_seconds())
        authorisation, now = search.authorisation, self._clock.now()
        window_starts_at = max(authorisation.window_starts_at, now - FOOTAGE_RETENTION)
        stretches = [
            task for span in self._spans(search, window_starts_at, now) for task in cut(span, self._task_messages)
        ]
        length = camera_time(len(authorisation.camera_ids), window_starts_at, authorisation.window_ends_at, now)
        _log.info("search planned", authorisation_id=search.authorisation_id, tasks=len(stretches))
        return messages.planned(search.authorisation_id, stretches, self._task_messages, length, now)

    def _spans(self, search: Search, window_starts_at: datetime, now: datetime) -> list[Stretch]:
        """Return what must be read: up to the log's end, since footage may be told of long after it was taken."""
        present = self._log.partitions(FACES)
        wanted = partitions_of(search.authorisation.camera_ids, present, FACES.partitions)
        since = window_starts_at - CAMERA_CLOCK_SKEW
        return [Stretch(partition, *self._log.span(FACES, partition, since, now)) for partition in wanted]
