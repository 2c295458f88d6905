"""Planning: tasks tile the span exactly, none is empty, and ids stay when the log grows or loses its oldest part."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.matching.plan import Stretch, camera_time, cut, partitions_of, task_id

AUTHORISATION = "0d5c2f6e-9b1a-4c53-8a7e-3f0b6f1d2c41"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

offsets = st.integers(0, 300)
sizes = st.integers(1, 70)


@given(first=offsets, length=offsets, messages=sizes)
@settings(deadline=None)  # a busy machine is no failure
def test_tasks_tile_the_span(first: int, length: int, messages: int) -> None:
    tasks = list(cut(Stretch(3, first, first + length), messages))

    covered = [offset for task in tasks for offset in range(task.first_offset, task.end_offset)]
    assert covered == list(range(first, first + length))
    assert all(0 < task.end_offset - task.first_offset <= messages for task in tasks)
    assert {task.partition for task in tasks} <= {3}


@given(first=offsets, length=offsets, messages=sizes)
@settings(deadline=None)  # a busy machine is no failure
def test_ids_tell_tasks_apart(first: int, length: int, messages: int) -> None:
    tasks = [task for partition in (0, 1) for task in cut(Stretch(partition, first, first + length), messages)]

    assert len({task_id(AUTHORISATION, task, messages) for task in tasks}) == len(tasks)


@given(first=offsets, length=offsets, grown=offsets, lost=offsets, messages=sizes)
@settings(deadline=None)  # a busy machine is no failure
def test_a_plan_made_again_keeps_its_ids(first: int, length: int, grown: int, lost: int, messages: int) -> None:
    before = list(cut(Stretch(0, first, first + length), messages))
    again = list(cut(Stretch(0, first + min(lost, length), first + length + grown), messages))

    known = {task_id(AUTHORISATION, task, messages): task for task in before}
    for task in again:
        same = known.get(task_id(AUTHORISATION, task, messages))
        if same is not None and task.end_offset < first + length and task.first_offset > first + lost:
            assert same == task
        if task.first_offset < first + length:
            assert same is not None


def test_other_authorisations_have_other_tasks() -> None:
    stretch = Stretch(0, 0, 10)
    assert task_id(AUTHORISATION, stretch, 10) != task_id(AUTHORISATION.replace("0d", "0e"), stretch, 10)


def test_a_task_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        next(cut(Stretch(0, 0, 10), 0))


def test_only_the_cameras_partitions_are_read() -> None:
    # By Kafka's own partitioner: murmur2("gate") and murmur2("hall") over 24.
    narrow = partitions_of(["gate", "hall"], list(range(24)), 24)
    assert 1 <= len(narrow) <= 2
    assert partitions_of(["gate"], list(range(24)), 24) + partitions_of(["hall"], list(range(24)), 24) != []
    assert set(partitions_of(["gate"], list(range(24)), 24)) <= set(narrow)


@pytest.mark.parametrize("present", [[0, 1, 2], list(range(48))])
def test_a_topic_of_another_width_is_read_whole(present: list[int]) -> None:
    assert partitions_of(["gate"], present, 24) == present


@pytest.mark.parametrize(
    ("ends_after_h", "expected_h"),
    [(-1, 4), (0, 6), (5, 6), (-3, 0), (-9, 0)],
)
def test_camera_time_is_that_of_all_cameras_in_the_past(ends_after_h: int, expected_h: int) -> None:
    starts_at = NOON - timedelta(hours=3)
    length = camera_time(2, starts_at, NOON + timedelta(hours=ends_after_h), NOON)
    assert length == timedelta(hours=expected_h)
