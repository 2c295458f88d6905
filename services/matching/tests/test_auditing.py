"""A search is recorded before anything is embedded, and what it compared before that is told."""

from datetime import timedelta

import pytest

from homeward.shared.runtime.handler import RetryableError
from homewardapi.audit.v1 import audit_pb2
from support.authorisations import AUTHORISATION_ID, NOON, request
from support.matching import SUBJECT, World, clip, closed, faces_event, opened
from support.matching_handlers import fill, live, open_search, planning, tasks

STARTED = audit_pb2.AUDIT_ACTION_SEARCH_STARTED
COMPARED = audit_pb2.AUDIT_ACTION_FACES_COMPARED
AT = NOON + timedelta(minutes=1)
CLIP = timedelta(seconds=10)


def close(world: World) -> None:
    event = closed(AUTHORISATION_ID, NOON + timedelta(seconds=1))
    world.authorisations.apply(event.key, event.message)


def test_a_search_is_recorded_before_its_photo_is_embedded(world: World) -> None:
    asked: list[int] = []
    world.audit.before = lambda: asked.append(len(world.embedder.asked))
    open_search(world)
    (entry,) = world.audit.of(STARTED)
    assert asked[0] == 0
    assert world.embedder.asked
    assert (entry.authorisation_id, entry.purpose) == (AUTHORISATION_ID, "missing_person")
    assert entry.actor_id == "homeward/matching"


def test_a_search_that_cannot_be_recorded_embeds_and_enrols_nothing(world: World) -> None:
    world.audit.away = True
    event = opened(AUTHORISATION_ID, world.authority.token())
    with pytest.raises(RetryableError):
        planning(world).handle(event)
    assert world.embedder.asked == []
    assert world.subjects.enrolled() == frozenset()
    world.audit.away = False
    assert planning(world).handle(event)
    assert world.subjects.enrolled() == {AUTHORISATION_ID}


def test_a_plan_made_again_after_a_crash_is_the_same_record(world: World) -> None:
    event = opened(AUTHORISATION_ID, world.authority.token())
    for _ in range(2):
        planning(world).handle(event)
    first, second = world.audit.of(STARTED)
    assert first.nonce == second.nonce is not None
    assert first == second


def test_a_refused_search_is_recorded_as_denied(world: World) -> None:
    world.embedder.photos = {f"{AUTHORISATION_ID}/0.jpg": -5}
    planning(world).handle(opened(AUTHORISATION_ID, world.authority.token()))
    entry = world.audit.of(STARTED)[-1]
    assert entry.outcome == audit_pb2.AUDIT_OUTCOME_DENIED
    assert entry.code


def test_a_task_is_recorded_before_its_completion(world: World) -> None:
    fill(world)
    _, assigned, *_ = open_search(world, task_messages=10_000)
    completed = tasks(world).handle(assigned)[-1].message.completed  # type: ignore[union-attr]
    (entry,) = world.audit.of(COMPARED)
    assert entry.faces_compared == completed.faces_compared > 0
    assert entry.candidates == completed.candidates > 0
    assert entry.camera_seconds == completed.camera_time.seconds > 0


def test_a_task_that_cannot_be_recorded_is_not_completed(world: World) -> None:
    fill(world)
    _, assigned, *_ = open_search(world, task_messages=10_000)
    world.audit.away = True
    with pytest.raises(RetryableError):
        tasks(world).handle(assigned)
    world.audit.away = False
    assert tasks(world).handle(assigned)
    assert len(world.audit.of(COMPARED)) == 1


def test_what_an_abandoned_task_had_compared_is_recorded(world: World) -> None:
    fill(world)
    _, assigned, *_ = open_search(world, task_messages=10_000)

    def close_at_the_third() -> None:
        if len(world.embedder.crops_asked) == 3:
            close(world)

    world.embedder.before_answer = close_at_the_third
    assert not [event for event in tasks(world).handle(assigned) if event.topic.name == "homeward.search-tasks.v1"]
    (entry,) = world.audit.of(COMPARED)
    assert entry.code == "abandoned"
    assert entry.faces_compared


def pass_live(world: World, clips: int, people: list[int]) -> None:
    handler = live(world)
    for number in range(clips):
        handler.handle(faces_event(clip("gate", AT + number * CLIP, people)))
        world.clock.move(CLIP)


def told(world: World) -> list[tuple[int | None, float | None, int | None]]:
    return [(one.faces_compared, one.camera_seconds, one.candidates) for one in world.audit.of(COMPARED)]


def test_a_live_search_is_recorded_at_once_and_then_once_a_minute(world: World) -> None:
    open_search(world)
    pass_live(world, 13, [SUBJECT, 2])
    # Of 10 s each: the first alone, then the minute's six together.
    assert told(world) == [(2, 10, 1), (12, 60, 6), (12, 60, 6)]


def test_clips_without_a_face_are_camera_time_all_the_same(world: World) -> None:
    open_search(world)
    pass_live(world, 7, [])
    assert told(world) == [(0, 10, 0), (0, 60, 0)]


def test_a_live_clip_that_cannot_be_recorded_is_not_told_and_counted_once(world: World) -> None:
    open_search(world)
    pass_live(world, 6, [2])
    world.audit.away = True
    seen = faces_event(clip("gate", AT + 6 * CLIP, [SUBJECT]))
    for _ in range(3):
        with pytest.raises(RetryableError):
            live(world).handle(seen)
    world.audit.away = False
    assert live(world).handle(seen)
    assert told(world) == [(1, 10, 0), (6, 60, 1)]


def test_a_clip_of_two_searches_is_recorded_for_both_or_for_none(world: World) -> None:
    other = AUTHORISATION_ID.replace("0d5c", "1d5c")
    open_search(world)
    planning(world).handle(opened(other, world.authority.token(request(other))))
    handler = live(world)
    world.audit.away = True
    with pytest.raises(RetryableError):
        handler.handle(faces_event(clip("gate", AT, [2])))
    world.audit.away = False
    handler.handle(faces_event(clip("gate", AT, [2])))
    assert {(one.authorisation_id, one.faces_compared) for one in world.audit.of(COMPARED)} == {
        (AUTHORISATION_ID, 1),
        (other, 1),
    }


def test_the_last_minute_is_recorded_though_no_clip_comes_any_more(world: World) -> None:
    open_search(world)
    pass_live(world, 3, [2])
    world.clock.move(timedelta(seconds=29))
    world.live_records.take([])
    assert len(told(world)) == 1
    world.clock.move(timedelta(seconds=1))
    world.live_records.take([])
    world.live_records.take([])
    assert told(world) == [(1, 10, 0), (2, 20, 0)]


def test_a_stop_records_what_is_summed_up(world: World) -> None:
    open_search(world)
    pass_live(world, 3, [2])
    world.live_records.flush()
    world.live_records.flush()
    assert told(world) == [(1, 10, 0), (2, 20, 0)]


def test_a_search_that_has_ended_is_forgotten(world: World) -> None:
    open_search(world)
    pass_live(world, 1, [2])
    world.clock.move(timedelta(days=4))
    world.live_records.take([])
    assert world.live_records._pending == {}
    assert told(world) == [(1, 10, 0)]
