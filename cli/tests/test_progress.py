from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from homeward.cli.progress import SearchProgress
from homeward.shared.events import Event, new_event
from homeward.shared.ids import derived_id
from homeward.shared.instants import to_duration, to_timestamp
from homeward.shared.topics import SEARCH_TASKS
from homewardapi.search.v1.search_pb2 import (
    REFUSAL_REASON_SEVERAL_FACES,
    SearchPlanned,
    SearchRefused,
    SearchTask,
    TaskCompleted,
)

NOW = datetime(2026, 11, 23, 20, 50, tzinfo=UTC)
MINE = derived_id("test", "mine")
OTHER = derived_id("test", "other")


def event(message: SearchTask) -> Event:
    return new_event(SEARCH_TASKS, message.task_id, "homeward/matching", NOW, message)


def planned(tasks: int, authorisation_id: str = MINE) -> Event:
    plan = SearchPlanned(task_count=tasks, camera_time=to_duration(timedelta(hours=tasks)))
    return event(SearchTask(task_id=derived_id("test", "plan"), authorisation_id=authorisation_id, planned=plan))


def completed(number: int, authorisation_id: str = MINE) -> Event:
    done = TaskCompleted(
        faces_compared=10,
        faces_too_poor=2,
        faces_unreadable=1,
        candidates=1,
        camera_time=to_duration(timedelta(hours=1)),
        completed_at=to_timestamp(NOW),
    )
    return event(SearchTask(task_id=derived_id("test", number), authorisation_id=authorisation_id, completed=done))


def fold(events: list[Event]) -> SearchProgress:
    state = SearchProgress()
    for each in events:
        state = state.after(each, MINE)
    return state


@given(st.permutations([planned(4), *(completed(number) for number in range(4))]), st.lists(st.integers(0, 4)))
def test_order_and_repetition_change_nothing(order: list[Event], repeated: list[int]) -> None:
    state = fold(order + [order[index] for index in repeated])
    assert state.finished
    assert (state.faces_compared, state.candidates) == (40, 4)
    assert (state.recordings.faces_too_poor, state.recordings.faces_unreadable) == (8, 4)
    assert state.camera_time_done == state.camera_time == timedelta(hours=4)


@given(st.integers(1, 5), st.integers(0, 4))
def test_a_search_is_finished_only_when_every_task_is_done(tasks: int, done: int) -> None:
    state = fold([planned(tasks), *(completed(number) for number in range(min(done, tasks)))])
    assert state.finished == (done >= tasks)


def test_a_search_that_is_not_planned_is_not_finished() -> None:
    assert not fold([completed(0)]).finished


def test_a_plan_without_tasks_is_finished_at_once() -> None:
    assert fold([planned(0)]).finished


def test_a_refusal_ends_the_search_and_says_why() -> None:
    refused = SearchRefused(reason=REFUSAL_REASON_SEVERAL_FACES, optional_photo_index=0)
    state = fold([event(SearchTask(task_id=MINE, authorisation_id=MINE, refused=refused))])
    assert state.finished
    assert state.refusal == "several faces"


def test_another_search_changes_nothing() -> None:
    assert fold([planned(1, OTHER), completed(0, OTHER)]) == SearchProgress()
