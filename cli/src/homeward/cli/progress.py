"""How far a search has come, folded from its messages on homeward.search-tasks.v1."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

from homeward.shared.events import Event
from homeward.shared.instants import from_duration
from homewardapi.search.v1.search_pb2 import RefusalReason, SearchTask, TaskCompleted


@dataclass(frozen=True, slots=True)
class SearchProgress:
    """The state of one search over recordings.

    `task_count` and `camera_time` are None until the search is planned; `refusal` says why it cannot start.
    """

    task_count: int | None = None
    camera_time: timedelta | None = None
    refusal: str | None = None
    completed: dict[str, TaskCompleted] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        """Whether every task is done, or there will be none."""
        return self.refusal is not None or (self.tasks is not None and len(self.completed) >= self.tasks)

    @property
    def tasks(self) -> int | None:
        """The tasks known of: those planned, and those that go on where another had faces enough."""
        if self.task_count is None:
            return None
        return self.task_count + sum(task.HasField("optional_continued_by") for task in self.completed.values())

    @property
    def camera_time_done(self) -> timedelta:
        """The footage searched so far, of all cameras together."""
        return sum((from_duration(task.camera_time) for task in self.completed.values()), timedelta())

    @property
    def faces_compared(self) -> int:
        """The number of faces compared with the subject."""
        return sum(task.faces_compared for task in self.completed.values())

    @property
    def faces_not_compared(self) -> int:
        """The number of faces that were there and could not be compared: too poor, or without a readable crop."""
        return sum(task.faces_too_poor + task.faces_unreadable for task in self.completed.values())

    @property
    def expected_false_candidates(self) -> float:
        """How many of the candidates are expected to be strangers, by the rate that the search allows."""
        return sum(task.optional_expected_false_candidates for task in self.completed.values())

    @property
    def clips_unreadable(self) -> int:
        """The number of clips that could not be searched in whole."""
        return sum(task.clips_unreadable for task in self.completed.values())

    @property
    def candidates(self) -> int:
        """The number of sightings announced."""
        return sum(task.candidates for task in self.completed.values())

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
                return replace(self, completed=self.completed | {message.task_id: message.completed})
            case _:
                return self
