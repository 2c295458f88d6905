"""How far a search has come, folded from its messages on homeward.search-tasks.v1."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from homeward.shared.events import Event
from homeward.shared.instants import from_duration
from homewardapi.search.v1.search_pb2 import RefusalReason, SearchTask, TaskCompleted


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the faces of tasks, or of the clips of a live search."""

    results: Collection[TaskCompleted]

    @property
    def camera_time(self) -> timedelta:
        """The footage compared, of all cameras together; of a live search, the clips with a face in them."""
        return sum((from_duration(one.camera_time) for one in self.results), timedelta())

    @property
    def faces_compared(self) -> int:
        """The number of faces compared with the subject."""
        return sum(one.faces_compared for one in self.results)

    @property
    def faces_too_poor(self) -> int:
        """The number of faces that were seen and were too poor to compare."""
        return sum(one.faces_too_poor for one in self.results)

    @property
    def faces_unreadable(self) -> int:
        """The number of faces of which no crop could be read."""
        return sum(one.faces_unreadable for one in self.results)

    @property
    def clips_unreadable(self) -> int:
        """The number of clips that could not be searched in whole."""
        return sum(one.clips_unreadable for one in self.results)

    @property
    def candidates(self) -> int:
        """The number of sightings announced."""
        return sum(one.candidates for one in self.results)

    @property
    def expected_false_candidates(self) -> float:
        """How many of the candidates are expected to be strangers, by the rate that the search allows."""
        return sum(one.optional_expected_false_candidates for one in self.results)


@dataclass(frozen=True, slots=True)
class SearchProgress:
    """The state of one search: of the recordings, task by task, and of the live cameras, clip by clip.

    `task_count` and `camera_time` are None until the search is planned; `refusal` says why it cannot start.
    `completed` are the tasks done and `live` the clips compared live, by task id; `continued` are the tasks that go
    on where another had faces enough.
    """

    task_count: int | None = None
    camera_time: timedelta | None = None
    refusal: str | None = None
    completed: Mapping[str, TaskCompleted] = field(default_factory=dict)
    live: Mapping[str, TaskCompleted] = field(default_factory=dict)
    continued: frozenset[str] = frozenset()

    @property
    def finished(self) -> bool:
        """Whether every task is done, or there will be none."""
        if self.refusal is not None:
            return True
        done = self.completed.keys()
        return self.task_count is not None and self.continued <= done and len(done - self.continued) >= self.task_count

    @property
    def tasks(self) -> int | None:
        """The tasks known of: those planned, and those that go on where another had faces enough."""
        return None if self.task_count is None else self.task_count + len(self.continued)

    @property
    def recordings(self) -> Tally:
        """What became of the faces in recordings so far."""
        return Tally(self.completed.values())

    @property
    def cameras(self) -> Tally:
        """What became of the faces that the cameras have seen since the search began."""
        return Tally(self.live.values())

    @property
    def camera_time_done(self) -> timedelta:
        """The footage searched so far, of all cameras together."""
        return self.recordings.camera_time

    @property
    def faces_compared(self) -> int:
        """The number of faces in recordings compared with the subject."""
        return self.recordings.faces_compared

    @property
    def expected_false_candidates(self) -> float:
        """How many of the candidates in recordings are expected to be strangers."""
        return self.recordings.expected_false_candidates

    @property
    def clips_unreadable(self) -> int:
        """The number of clips that could not be searched in whole."""
        return self.recordings.clips_unreadable

    @property
    def candidates(self) -> int:
        """The number of sightings announced in recordings."""
        return self.recordings.candidates

    def after(self, event: Event, authorisation_id: str) -> "SearchProgress":
        """Return the state once `event` is known; one of another search changes nothing, and a repeated one neither."""
        message = event.message
        if not isinstance(message, SearchTask) or message.authorisation_id != authorisation_id:
            return self
        match message.WhichOneof("event"):
            case "refused":
                reason = RefusalReason.Name(message.refused.reason).removeprefix("REFUSAL_REASON_")
                return replace(self, refusal=reason.lower().replace("_", " "))
            case "planned":
                planned = message.planned
                return replace(self, task_count=planned.task_count, camera_time=from_duration(planned.camera_time))
            case "completed":
                return self._with(message.task_id, message.completed)
            case _:
                return self

    def _with(self, task_id: str, result: TaskCompleted) -> "SearchProgress":
        if result.HasField("optional_clip_id"):
            return replace(self, live={**self.live, task_id: result})
        rest = {result.optional_continued_by} if result.HasField("optional_continued_by") else set()
        return replace(self, completed={**self.completed, task_id: result}, continued=self.continued | rest)
