"""A task in, sightings and a result out: search one stretch of the log of faces."""

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from datetime import timedelta
from typing import Final

from homeward.matching import messages
from homeward.matching.auditing import SearchRecords
from homeward.matching.authorisations import Authorisations, Search
from homeward.matching.comparison import Comparison, Findings
from homeward.matching.coverage import covers
from homeward.matching.messages import Tally
from homeward.matching.plan import Stretch
from homeward.matching.ports import Announcer, EmbedderDeniedError, Log, Meter, SearchEndedError
from homeward.shared.clock import Clock
from homeward.shared.events import Event, InvalidEventError
from homeward.shared.ids import search_message_id
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
        announcer: Announcer,
        records: SearchRecords,
        clock: Clock,
        meter: Meter,
        task_faces: int,
        ready: Callable[[], bool],
    ) -> None:
        """`task_faces` bounds what one task compares, but for the last clip's faces.

        `ready` says whether every authorisation written so far is known.
        """
        self._authorisations = authorisations
        self._comparison = comparison
        self._log = log
        self._announcer = announcer
        self._records = records
        self._clock = clock
        self._meter = meter
        self._task_faces = task_faces
        self._ready = ready

    def handle(self, event: Event) -> Sequence[Event]:
        """Announce the sightings of a task as they are found, and return its completion.

        A task whose authorisation has ended, before or meanwhile, is abandoned: nothing is announced any more, and it
        returns nothing. How many faces were compared is recorded before the completion is told.
        Raises RetryableError while something is away, InvalidEventError for no task of ours.
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
        tally = Tally()
        clips = _Clips(search, self._read(search, task.assigned), self._task_faces)
        try:
            findings = self._comparison.compare(search, clips, SEARCH_MODE_ARCHIVE, self._announcer.send, tally)
        except SearchEndedError:
            self._records.abandoned(search, tally)
            return self._abandon(task, "ENDED")
        except EmbedderDeniedError:
            self._records.abandoned(search, tally)
            return self._abandon(task, "DENIED")
        finally:
            clips.close()
        self._records.compared(search, task.task_id, findings.tally, len(findings.sightings))
        return self._done(task, findings, clips.next_offset)

    def _done(self, task: SearchTask, findings: Findings, next_offset: int | None) -> list[Event]:
        """Return the task's completion, and the task that goes on at `next_offset` where a part of it is left."""
        now, candidates = self._clock.now(), len(findings.sightings)
        if next_offset is None or next_offset >= task.assigned.end_offset:
            return [messages.completed(task, findings.tally, candidates, now)]
        rest = Stretch(task.assigned.faces_partition, next_offset, task.assigned.end_offset)
        # Named by where its task is left, so that one done twice is continued once, also when a plan that was made
        # again meanwhile has given it another end.
        name = search_message_id(task.authorisation_id, "rest", task.task_id, rest.first_offset, self._task_faces)
        return [
            messages.assigned(task.authorisation_id, name, rest, now),
            messages.completed(task, findings.tally, candidates, now, continued_by=name),
        ]

    def _may_settle(self, task: SearchTask, event: Event) -> bool:
        young = self._clock.now() - event.time < SETTLING
        return young and not self._authorisations.ended(task.authorisation_id)

    def _abandon(self, task: SearchTask, cause: str) -> list[Event]:
        _log.info("task abandoned", authorisation_id=task.authorisation_id, task_id=task.task_id, cause=cause)
        self._meter.stopped(cause)
        return []

    def _read(self, search: Search, assigned: TaskAssigned) -> Iterator[tuple[int, Event]]:
        return self._log.read(
            FACES,
            assigned.faces_partition,
            assigned.first_offset,
            assigned.end_offset,
            search.authorisation.camera_ids,
        )


class _Clips(Iterator[ClipFaces]):
    """The clips of a task, until the faces in those that the search covers are as many as one task compares.

    `next_offset` is where the rest begins, or None while it is not known that there is one.
    """

    def __init__(self, search: Search, events: Iterator[tuple[int, Event]], faces: int) -> None:
        self.next_offset: int | None = None
        self._search = search
        self._events = events
        self._left = faces
        # The embedder's client reads on its own thread, and may be about to when the task ends.
        self._lock = threading.Lock()
        self._closed = False

    def __next__(self) -> ClipFaces:
        with self._lock:
            while self._left > 0 and not self._closed:
                offset, event = next(self._events)
                clip = event.message
                if not isinstance(clip, ClipFaces):
                    continue
                if covers(self._search.authorisation, clip):
                    self._left -= sum(bool(face.crops) for face in clip.faces)
                if self._left <= 0:
                    self.next_offset = offset + 1
                return clip
            raise StopIteration

    def close(self) -> None:
        """Let go of the log."""
        with self._lock:
            self._closed = True
            if isinstance(self._events, Generator):
                self._events.close()


def _check(assigned: TaskAssigned) -> None:
    length = assigned.end_offset - assigned.first_offset
    if assigned.first_offset < 0 or not 0 < length <= WIDEST_TASK_MESSAGES:
        raise InvalidEventError("the task's offsets are out of order or too far apart")
    if not 0 <= assigned.faces_partition < 2**31:
        raise InvalidEventError("the task's partition is negative")
