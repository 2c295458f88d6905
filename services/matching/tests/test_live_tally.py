"""What a live search says of the faces it saw, for "not found" must never be read as "not there"."""

from datetime import timedelta

import pytest

from homeward.shared.events import Event
from homeward.shared.instants import from_duration
from homeward.shared.topics import SEARCH_TASKS
from homewardapi.embedding.v1.embedding_service_pb2 import REFUSAL_REASON_NOT_FOUND
from homewardapi.face.v1.face_pb2 import DETECTION_OUTCOME_PARTIAL, ClipFaces
from homewardapi.search.v1.search_pb2 import SearchTask, TaskCompleted
from support.authorisations import AUTHORISATION_ID, NOON, request
from support.matching import RATE, SUBJECT, World, clip, face, faces_event, opened
from support.matching_handlers import live, open_search, planning, sightings, tasks

AT = NOON + timedelta(minutes=1)


def results(events: object) -> list[SearchTask]:
    assert isinstance(events, list)
    return [event.message for event in events if event.topic is SEARCH_TASKS]


def result(world: World, seen: ClipFaces) -> TaskCompleted:
    (task,) = results(live(world).handle(faces_event(seen)))
    assert task.authorisation_id == AUTHORISATION_ID
    return task.completed


def test_a_live_search_says_what_became_of_each_face(world: World) -> None:
    open_search(world)
    seen = clip("gate", AT, [SUBJECT, 2, 3])
    seen.faces.append(face(3, 4, AT, crops=0))
    world.embedder.unreadable = {crop.offset_bytes: int(REFUSAL_REASON_NOT_FOUND) for crop in seen.faces[2].crops}

    told = result(world, seen)
    assert (told.faces_compared, told.faces_too_poor, told.faces_unreadable, told.candidates) == (2, 1, 1, 1)
    assert told.optional_expected_false_candidates == pytest.approx(2 * RATE)
    assert from_duration(told.camera_time) == timedelta(seconds=10)
    assert told.optional_clip_id == seen.clip_id


def test_the_result_comes_after_the_sightings_that_it_counts(world: World) -> None:
    open_search(world)
    events = live(world).handle(faces_event(clip("gate", AT, [SUBJECT, 2, SUBJECT])))
    assert len(sightings(list(events))) == results(list(events))[0].completed.candidates == 2
    assert events[-1].topic is SEARCH_TASKS


def test_a_clip_told_of_twice_is_counted_once_by_id(world: World) -> None:
    open_search(world)
    seen = faces_event(clip("gate", AT, [SUBJECT, 2]))
    first, again = (live(world).handle(seen) for _ in range(2))
    assert [event.event_id for event in first] == [event.event_id for event in again]
    assert results(list(first))[0].task_id == results(list(again))[0].task_id


def test_each_search_and_each_clip_has_a_result_of_its_own(world: World) -> None:
    other = AUTHORISATION_ID.replace("0d5c", "1d5c")
    open_search(world)
    planning(world).handle(opened(other, world.authority.token(request(other))))
    seen = [faces_event(clip("gate", AT + timedelta(seconds=10 * number), [2])) for number in range(3)]
    told = [task for one in seen for task in results(list(live(world).handle(one)))]
    assert {task.authorisation_id for task in told} == {AUTHORISATION_ID, other}
    assert len({task.task_id for task in told}) == len(told) == 6


def test_a_clip_without_a_face_is_told_of_only_where_one_may_have_been_missed(world: World) -> None:
    open_search(world)
    assert live(world).handle(faces_event(clip("gate", AT))) == []
    torn = result(world, clip("gate", AT + timedelta(seconds=10), outcome=DETECTION_OUTCOME_PARTIAL))
    assert (torn.clips_unreadable, torn.faces_compared) == (1, 0)


def test_a_live_result_is_no_task_to_anybody(world: World) -> None:
    open_search(world)
    told: Event = live(world).handle(faces_event(clip("gate", AT, [2])))[-1]
    assert tasks(world).handle(told) == []
    assert len(world.embedder.crops_asked) == 1
