"""An authorisation in, a plan out: enrol the subject, then cut the recordings into tasks."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from homeward.matching import messages
from homeward.matching.authorisations import Authorisations, Search
from homeward.matching.enrolment import Enrolment
from homeward.matching.messages import Refusal
from homeward.matching.plan import Stretch, camera_time, cut, partitions_of, task_id
from homeward.matching.ports import Announcer, Log, SearchEndedError
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

_LOOK_S: Final = 0.25
"""How often the wait for the other replicas looks whether the search is still wanted."""

_log = get_logger()


class PlanningHandler:
    """Handles `homeward.authorisations.v1` for the whole service: one replica admits and plans each search.

    Replayed, it enrols and plans again with the same ids. Its effects are the subject in the store, and the tasks of
    each partition, announced as soon as they are cut, so that searching begins while the rest is being planned.
    """

    def __init__(
        self,
        *,
        authorisations: Authorisations,
        enrolment: Enrolment,
        log: Log,
        announcer: Announcer,
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
        self._announcer = announcer
        self._clock = clock
        self._task_messages = task_messages
        self._handover = handover
        self._ready = ready

    def handle(self, event: Event) -> Sequence[Event]:
        """Announce the tasks of an open authorisation and return the sum of its plan, or return its refusal.

        Does nothing for one that is closed, and nothing more once it is closed meanwhile. A window that begins with
        the authorisation is planned too: its plan holds the clips that were told of before the subject was enrolled.
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
        return self._plan(search)

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
        self._wait(search)
        authorisation, now = search.authorisation, self._clock.now()
        window_starts_at = max(authorisation.window_starts_at, now - FOOTAGE_RETENTION)
        count = 0
        for span in self._spans(search, window_starts_at, now):
            tasks = [self._assigned(search, stretch, now) for stretch in cut(span, self._task_messages)]
            if not self._wanted(search):
                return []
            self._announcer.send(tasks)
            count += len(tasks)
        if not self._wanted(search):
            return []
        length = camera_time(len(authorisation.camera_ids), window_starts_at, authorisation.window_ends_at, now)
        _log.info("search planned", authorisation_id=search.authorisation_id, tasks=count)
        return [messages.planned(search.authorisation_id, count, length, now)]

    def _wait(self, search: Search) -> None:
        """Wait for the handover, or until the search is wanted no more."""
        until = self._clock.monotonic() + self._handover.total_seconds()
        while self._wanted(search) and (left_s := until - self._clock.monotonic()) > 0:
            self._clock.sleep(min(left_s, _LOOK_S))

    def _wanted(self, search: Search) -> bool:
        return self._authorisations.live(search.authorisation_id) is not None

    def _assigned(self, search: Search, stretch: Stretch, now: datetime) -> Event:
        name = task_id(search.authorisation_id, stretch, self._task_messages)
        return messages.assigned(search.authorisation_id, name, stretch, now)

    def _spans(self, search: Search, window_starts_at: datetime, now: datetime) -> Iterator[Stretch]:
        """Yield what must be read: up to the log's end, since footage may be told of long after it was taken."""
        since = window_starts_at - CAMERA_CLOCK_SKEW
        if since >= now or not self._wanted(search):
            return
        present = self._log.partitions(FACES)
        for partition in partitions_of(search.authorisation.camera_ids, present, FACES.partitions):
            yield Stretch(partition, *self._log.span(FACES, partition, since, now))
