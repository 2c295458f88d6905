"""A task in, sightings and a result out: search one stretch of the log of faces."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Final

from homeward.matching import messages
from homeward.matching.authorisations import Authorisations
from homeward.matching.comparison import Comparison
from homeward.matching.ports import EmbedderDeniedError, Log, Meter, SearchEndedError
from homeward.shared.clock import Clock
from homeward.shared.events import Event, InvalidEventError
from homeward.shared.runtime.handler import RetryableError
from homeward.shared.telemetry.logging import get_logger
from homeward.shared.topics import FACES
from homewardapi.face.v1.face_pb2 import ClipFaces
from homewardapi.search.v1.search_pb2 import SearchTask, TaskAssigned
from homewardapi.sighting.v1.sighting_pb2 import SEARCH_MODE_ARCHIVE

WIDEST_TASK_MESSAGES: Final = 10_000
"""No plan of ours cuts wider; a wider task is not one of ours, and would hold its partition for hours."""

SETTLING: Final = timedelta(seconds=10)
"""How long this replica may learn of an authorisation after another has planned its search."""

_log = get_logger()


class TaskHandler:
    """Handles the tasks of `homeward.search-tasks.v1`; what else stands there is for others."""

    def __init__(
        self,
        *,
        authorisations: Authorisations,
        comparison: Comparison,
        log: Log,
        clock: Clock,
        meter: Meter,
        ready: Callable[[], bool],
    ) -> None:
        """`ready` says whether every authorisation written so far is known."""
        self._authorisations = authorisations
        self._comparison = comparison
        self._log = log
        self._clock = clock
        self._meter = meter
        self._ready = ready

    def handle(self, event: Event) -> Sequence[Event]:
        """Return the sightings of a task and its completion.

        A task whose authorisation has ended, before or meanwhile, is abandoned: it returns nothing, not even what was
        found before the end. Raises RetryableError while something is away, InvalidEventError for no task of ours.
        """
        task = event.message
        if not isinstance(task, SearchTask):
            raise InvalidEventError("the event is no search task")
        if task.WhichOneof("event") != "assigned":
            return []
        _check(task.assigned)
        if not self._ready():
            raise RetryableError("the authorisations are not all read yet", retry_after=timedelta(seconds=0.2))
        search = self._authorisations.live(task.authorisation_id)
        if search is None:
            if self._may_settle(task, event):
                raise RetryableError("the task's authorisation is not known yet", retry_after=timedelta(seconds=0.5))
            return self._abandon(task, "ENDED")
        try:
            findings = self._comparison.compare(search, self._clips(task.assigned), SEARCH_MODE_ARCHIVE)
        except SearchEndedError:
            return self._abandon(task, "ENDED")
        except EmbedderDeniedError:
            return self._abandon(task, "DENIED")
        now = self._clock.now()
        return [*findings.sightings, messages.completed(task, findings.tally, len(findings.sightings), now)]

    def _may_settle(self, task: SearchTask, event: Event) -> bool:
        young = self._clock.now() - event.time < SETTLING
        return young and not self._authorisations.ended(task.authorisation_id)

    def _abandon(self, task: SearchTask, cause: str) -> list[Event]:
        _log.info("task abandoned", authorisation_id=task.authorisation_id, task_id=task.task_id, cause=cause)
        self._meter.stopped(cause)
        return []

    def _clips(self, assigned: TaskAssigned) -> Iterator[ClipFaces]:
        events = self._log.read(FACES, assigned.faces_partition, assigned.first_offset, assigned.end_offset)
        for event in events:
            if isinstance(event.message, ClipFaces):
                yield event.message


def _check(assigned: TaskAssigned) -> None:
    length = assigned.end_offset - assigned.first_offset
    if assigned.first_offset < 0 or not 0 < length <= WIDEST_TASK_MESSAGES:
        raise InvalidEventError("the task's offsets are out of order or too far apart")
    if not 0 <= assigned.faces_partition < 2**31:
        raise InvalidEventError("the task's partition is negative")
