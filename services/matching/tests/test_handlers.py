"""The three use cases: plan, search a stretch, search each clip as it comes."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from homeward.matching import messages
from homeward.matching.handler.live import LiveHandler
from homeward.matching.plan import Stretch
from homeward.matching.ports import CropReference
from homeward.matching.subject import Count
from homeward.shared.authorisation import Purpose
from homeward.shared.events import InvalidEventError, removal
from homeward.shared.ids import search_message_id
from homeward.shared.instants import from_duration
from homeward.shared.runtime.handler import RetryableError
from homeward.shared.topics import AUTHORISATIONS
from homewardapi.search.v1.search_pb2 import REFUSAL_REASON_NO_FACE, REFUSAL_REASON_NOT_AUTHORISED
from homewardapi.sighting.v1.sighting_pb2 import SEARCH_MODE_ARCHIVE, SEARCH_MODE_LIVE, Sighting
from support.authorisations import AUTHORISATION_ID, NOON, Authority, request
from support.matching import SUBJECT, World, clip, closed, faces_event, opened
from support.matching_handlers import (
    BEFORE,
    GATE,
    HALL,
    Telling,
    fill,
    live,
    open_search,
    planning,
    search_task,
    sightings,
    tasks,
)


def test_an_authorisation_becomes_a_plan(world: World) -> None:
    fill(world)
    events = open_search(world)

    planned, *assigned = map(search_task, events)
    assert planned.planned.task_count == len(assigned) == 4
    assert from_duration(planned.planned.camera_time) == 2 * timedelta(hours=3, seconds=1)
    stretches = {
        (task.assigned.faces_partition, task.assigned.first_offset, task.assigned.end_offset) for task in assigned
    }
    assert stretches == {(GATE, 0, 4), (GATE, 4, 8), (GATE, 8, 11), (HALL, 0, 3)}
    assert {task.authorisation_id for task in (planned, *assigned)} == {AUTHORISATION_ID}
    assert world.subjects.count() == Count(1, 1)


def test_planned_again_it_has_the_same_ids(world: World) -> None:
    fill(world)
    first = {event.event_id for event in open_search(world)}
    world.log.records[HALL].append(faces_event(clip("hall", BEFORE + timedelta(hours=1), [])))
    again = {event.event_id for event in open_search(world)}
    assert first == again


def test_the_end_of_the_archive_is_fixed_after_the_subject_is_enrolled(world: World) -> None:
    fill(world)
    enrolled: list[object] = []
    world.log.before_span = lambda: enrolled.append((world.subjects.count(), world.clock.now()))
    open_search(world)
    # A second later, so that every other replica has learnt of the authorisation and searches live.
    assert enrolled
    assert set(enrolled) == {(Count(1, 1), NOON + timedelta(seconds=1))}


def test_a_refused_photo_is_announced_and_nothing_is_planned(world: World) -> None:
    world.embedder.photos = {f"{AUTHORISATION_ID}/0.jpg": -5}
    (event,) = open_search(world)
    refused = search_task(event).refused
    assert (refused.reason, refused.optional_photo_index) == (REFUSAL_REASON_NO_FACE, 0)
    assert open_search(world)[0].event_id == event.event_id


def test_a_token_that_does_not_verify_is_refused(world: World) -> None:
    (event,) = planning(world).handle(opened(AUTHORISATION_ID, Authority().token()))
    refused = search_task(event).refused
    assert refused.reason == REFUSAL_REASON_NOT_AUTHORISED
    assert not refused.HasField("optional_photo_index")
    assert world.embedder.asked == []


def test_what_asks_for_no_search_gets_no_answer(world: World) -> None:
    incident = opened(AUTHORISATION_ID, world.authority.token(request(purpose=Purpose.INCIDENT, photos=0)))
    assert planning(world).handle(incident) == []
    assert planning(world).handle(closed(AUTHORISATION_ID, NOON)) == []
    gone = removal(AUTHORISATIONS, AUTHORISATION_ID, "homeward/access", NOON, AUTHORISATION_ID)
    assert planning(world).handle(gone) == []
    assert world.embedder.asked == []


def test_a_live_search_finds_what_was_told_of_before_its_subject_was_enrolled(world: World) -> None:
    from_now_on = request(window=(NOON, NOON + timedelta(hours=2)))
    authorisation = opened(AUTHORISATION_ID, world.authority.token(from_now_on))
    world.authorisations.apply(authorisation.key, authorisation.message)
    # The next clips after the event: the embedder is still busy with the photo.
    early = [clip("gate", NOON + timedelta(seconds=10 * number), [SUBJECT]) for number in range(2)]
    world.log.records = {GATE: [faces_event(clip("gate", BEFORE, [SUBJECT])), *map(faces_event, early)]}
    for one in world.log.records[GATE]:
        assert live(world).handle(one) == []

    *assigned, planned = planning(world).handle(authorisation)
    assert search_task(planned).planned.task_count == len(assigned)
    found = [one for event in assigned for one in sightings(tasks(world).handle(event))]
    assert [one.clip_id for one in found] == [one.clip_id for one in early]
    # A clip that both read, the plan and the live search, is one sighting.
    (again,) = sightings(live(world).handle(world.log.records[GATE][1]))
    assert again.sighting_id == found[0].sighting_id


def test_a_live_search_leaves_to_its_plan_what_a_fast_camera_clock_dates_after_the_authorisation(world: World) -> None:
    from_now_on = request(window=(NOON, NOON + timedelta(hours=2)))
    told = faces_event(clip("gate", NOON + timedelta(minutes=1), [SUBJECT]), NOON - timedelta(minutes=6))
    world.log.records = {GATE: [told]}
    *assigned, _ = planning(world).handle(opened(AUTHORISATION_ID, world.authority.token(from_now_on)))
    assert live(world).handle(told) == []
    assert sum(len(sightings(tasks(world).handle(event))) for event in assigned) == 1


def test_a_window_that_is_yet_to_come_has_a_plan_of_nothing(world: World) -> None:
    ahead = request(window=(NOON + timedelta(hours=2), NOON + timedelta(hours=3)))
    (planned,) = planning(world).handle(opened(AUTHORISATION_ID, world.authority.token(ahead)))
    assert search_task(planned).planned.task_count == 0
    assert from_duration(search_task(planned).planned.camera_time) == timedelta()
    assert world.subjects.count() == Count(1, 1)


def test_an_authorisation_closed_while_it_is_enrolled_plans_nothing(world: World) -> None:
    def close() -> None:
        event = closed(AUTHORISATION_ID, NOON + timedelta(seconds=1))
        world.authorisations.apply(event.key, event.message)

    world.embedder.before_answer = close
    assert open_search(world) == []
    assert world.subjects.count() == Count(0, 0)


@pytest.mark.parametrize("make", [planning, tasks, live])
def test_nothing_is_done_before_every_authorisation_is_known(
    world: World, make: Callable[[World, Callable[[], bool]], Telling | LiveHandler]
) -> None:
    fill(world)
    assigned = open_search(world)[1]
    event = {
        planning: opened(AUTHORISATION_ID, world.authority.token()),
        tasks: assigned,
        live: faces_event(clip("gate", BEFORE, [SUBJECT])),
    }[make]
    with pytest.raises(RetryableError, match="not all read"):
        make(world, lambda: False).handle(event)


def test_the_tasks_of_a_plan_find_the_subject_wherever_it_was(world: World) -> None:
    fill(world)
    assigned = open_search(world)[1:]
    results = [tasks(world).handle(event) for event in assigned]

    found = [sighting for events in results for sighting in sightings(events)]
    assert sorted(sighting.camera_id for sighting in found) == ["gate", "gate", "hall"]
    assert {sighting.mode for sighting in found} == {SEARCH_MODE_ARCHIVE}
    done = [search_task(events[-1]) for events in results]
    assert [task.task_id for task in done] == [search_task(event).task_id for event in assigned]
    assert sum(task.completed.faces_compared for task in done) == 11
    assert sum(task.completed.candidates for task in done) == 3
    assert sum((from_duration(task.completed.camera_time) for task in done), timedelta()) == 13 * timedelta(seconds=10)
    # The completion is another event than the assignment, though of the same task.
    assert {event.event_id for events in results for event in events}.isdisjoint({e.event_id for e in assigned})


def test_a_task_done_twice_says_the_same(world: World) -> None:
    fill(world)
    assigned = open_search(world)[1]
    first, again = (tasks(world).handle(assigned) for _ in range(2))
    assert [event.event_id for event in first] == [event.event_id for event in again]


def test_other_messages_of_a_search_are_not_tasks(world: World) -> None:
    fill(world)
    planned, assigned, *_ = open_search(world)
    done = tasks(world).handle(assigned)[-1]
    assert tasks(world).handle(planned) == []
    assert tasks(world).handle(done) == []


@pytest.mark.parametrize(
    "stretch",
    [Stretch(0, 5, 5), Stretch(0, 5, 4), Stretch(0, -1, 4), Stretch(-1, 0, 4), Stretch(0, 0, 10_001)],
)
def test_what_is_no_task_of_ours_goes_to_the_dead_letters(world: World, stretch: Stretch) -> None:
    event = messages.assigned(AUTHORISATION_ID, search_message_id(AUTHORISATION_ID, "task", 1), stretch, NOON)
    with pytest.raises(InvalidEventError):
        tasks(world).handle(event)


def test_a_task_of_a_closed_search_is_abandoned(world: World) -> None:
    fill(world)
    assigned = open_search(world)[1]
    end = closed(AUTHORISATION_ID, NOON + timedelta(seconds=1))
    world.authorisations.apply(end.key, end.message)
    asked = len(world.embedder.asked)
    assert tasks(world).handle(assigned) == []
    assert len(world.embedder.asked) == asked


def test_a_task_of_a_wiped_search_is_abandoned(world: World) -> None:
    fill(world)
    assigned = open_search(world)[1]
    world.subjects.wipe(AUTHORISATION_ID)
    assert tasks(world).handle(assigned) == []
    assert world.embedder.crops_asked == []


def test_a_task_waits_for_its_authorisation_but_not_for_ever(world: World) -> None:
    fill(world)
    assigned = open_search(world)[1]
    late = World(world.subjects, authority=world.authority, log=world.log)
    with pytest.raises(RetryableError, match="not known yet"):
        tasks(late).handle(assigned)
    late.clock.move(timedelta(seconds=30))
    assert tasks(late).handle(assigned) == []


def test_a_task_that_the_embedder_denies_is_abandoned(world: World) -> None:
    fill(world)
    assigned = open_search(world)[1]
    world.embedder.denied = True
    assert tasks(world).handle(assigned) == []


@pytest.mark.parametrize("make", [tasks, live])
def test_an_embedder_that_is_away_is_waited_for(world: World, make: Callable[[World], Telling | LiveHandler]) -> None:
    fill(world)
    assigned = open_search(world)[1]
    world.embedder.away = True
    event = assigned if make is tasks else faces_event(clip("gate", BEFORE, [SUBJECT]))
    with pytest.raises(RetryableError, match="away"):
        make(world).handle(event)


def test_with_no_search_open_nothing_is_embedded(world: World) -> None:
    assert live(world).handle(faces_event(clip("gate", NOON, [SUBJECT, 2, 3]))) == []
    assert world.embedder.asked == []


def test_a_live_search_finds_the_subject_as_it_passes(world: World) -> None:
    open_search(world)
    now = NOON + timedelta(minutes=1)
    (sighting,) = sightings(live(world).handle(faces_event(clip("gate", now, [4, SUBJECT]))))
    assert sighting.mode == SEARCH_MODE_LIVE
    assert live(world).handle(faces_event(clip("yard", now, [SUBJECT]))) == []
    assert live(world).handle(faces_event(clip("gate", NOON + timedelta(hours=4), [SUBJECT]))) == []


def test_archive_and_live_give_one_sighting_the_same_id(world: World) -> None:
    fill(world)
    assigned = open_search(world)[1:]
    archive = [event.event_id for task in assigned for event in tasks(world).handle(task)[:-1]]
    again = [
        event.event_id
        for partition in (GATE, HALL)
        for clips in [world.log.records[partition]]
        for clip_event in clips
        for event in live(world).handle(clip_event)
        if isinstance(event.message, Sighting)
    ]
    assert sorted(archive) == sorted(again)


def test_a_live_search_leaves_to_the_archive_what_was_told_of_before(world: World) -> None:
    open_search(world)
    seen = clip("gate", NOON - timedelta(minutes=10), [SUBJECT])
    assert live(world).handle(faces_event(seen, NOON - timedelta(minutes=6))) == []
    assert world.embedder.crops_asked == []
    # Told of late, whenever it was recorded, it may stand beyond the plan's end.
    assert len(sightings(live(world).handle(faces_event(seen, NOON - timedelta(minutes=4))))) == 1
    assert len(sightings(live(world).handle(faces_event(seen, NOON + timedelta(minutes=4))))) == 1


def test_before_its_subject_is_enrolled_a_search_embeds_nothing(world: World) -> None:
    event = opened(AUTHORISATION_ID, world.authority.token())
    world.authorisations.apply(event.key, event.message)
    assert live(world).handle(faces_event(clip("gate", NOON, [SUBJECT]))) == []
    assert world.embedder.asked == []


def test_each_search_embeds_under_its_own_authorisation(world: World) -> None:
    other = AUTHORISATION_ID.replace("0d5c", "1d5c")
    world.embedder.photos = {f"{other}/0.jpg": 2}
    open_search(world)
    planning(world).handle(opened(other, world.authority.token(request(other))))
    found = {
        (sighting.authorisation_id, sighting.face_index)
        for sighting in sightings(live(world).handle(faces_event(clip("gate", NOON, [SUBJECT, 2, 3]))))
    }
    assert found == {(AUTHORISATION_ID, 0), (other, 1)}


def test_a_live_search_that_the_embedder_denies_does_not_stop_others(world: World) -> None:
    open_search(world)
    world.embedder.denied = True
    assert live(world).handle(faces_event(clip("gate", NOON, [SUBJECT]))) == []


def test_an_event_of_another_kind_is_refused(world: World) -> None:
    fill(world)
    task, faces = open_search(world)[1], faces_event(clip("gate", NOON, []))
    for handler, event in ((planning(world), faces), (tasks(world), faces), (live(world), task)):
        with pytest.raises(InvalidEventError):
            handler.handle(event)


def test_the_same_window_searched_twice_costs_twice(world: World) -> None:
    fill(world)
    asked: list[list[CropReference]] = []
    for authorisation_id in (AUTHORISATION_ID, AUTHORISATION_ID.replace("0d5c", "1d5c")):
        before = len(world.embedder.crops_asked)
        event = opened(authorisation_id, world.authority.token(request(authorisation_id)))
        *assigned, _ = planning(world).handle(event)
        for task in assigned:
            tasks(world).handle(task)
        asked.append(world.embedder.crops_asked[before:])
    # Nothing of a bystander was kept from the first, though its authorisation still lives.
    first, again = asked
    assert len(first) >= 11
    assert sorted(map(repr, first)) == sorted(map(repr, again))
    assert world.subjects.count() == Count(2, 2)
