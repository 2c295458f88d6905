"""A reviewer need not wait for the end of anything: sightings and tasks are announced as they are there."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice

import pytest

from homeward.matching.ports import LogAwayError, NoTemplate, Reference
from homeward.matching.template import Template
from homeward.shared.events import Event
from homeward.shared.topics import SEARCH_TASKS
from homewardapi.sighting.v1.sighting_pb2 import Sighting
from support.authorisations import AUTHORISATION_ID, NOON
from support.matching import SUBJECT, World, clip, closed, faces_event, opened
from support.matching_handlers import BEFORE, GATE, HALL, fill, open_search, planning, search_task, sightings, tasks


def test_a_sighting_is_announced_before_its_task_is_done(world: World) -> None:
    at = [BEFORE + timedelta(seconds=10 * number) for number in range(40)]
    world.log.records = {
        GATE: [faces_event(clip("gate", at[number], [SUBJECT if number in {1, 30} else 5])) for number in range(40)]
    }
    _, assigned = open_search(world, task_messages=500)
    asked: list[int] = []
    world.announced.before = lambda: asked.append(len(world.embedder.crops_asked))

    events = tasks(world).handle(assigned)

    # The first when its two crops were answered, and one of the clip before: 38 faces were still to come.
    assert asked[0] == 3
    assert len(asked) == 2
    assert [type(event.message) is Sighting for event in events] == [True, True, False]
    assert search_task(events[-1]).completed.candidates == 2


def test_each_sighting_is_announced_once(world: World) -> None:
    fill(world)
    _, *assigned = open_search(world)
    ids = [one.sighting_id for event in assigned for one in sightings(tasks(world).handle(event))]
    assert len(ids) == len(set(ids)) == 3


def test_what_is_found_at_once_is_announced_best_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    at = [BEFORE + timedelta(seconds=10 * number) for number in range(8)]
    # Of one picture each, so that nothing is looked at again, and no two score alike.
    seen = [clip("gate", moment, [SUBJECT], crops=1) for moment in at]
    for number, one in enumerate(seen):
        one.faces[0].crops[0].offset_bytes += number
    world.log.records = {GATE: [faces_event(one) for one in seen]}
    _, assigned = open_search(world, task_messages=500)

    def four_at_once(
        token: str, references: Iterator[Reference], wanted: Callable[[], bool]
    ) -> Iterator[list[tuple[int, Template | NoTemplate]]]:
        number = 0
        while some := list(islice(references, 4)):
            yield list(enumerate(world.embedder.embed(token, some, wanted), number))
            number += len(some)

    monkeypatch.setattr(world.embedder, "stream", four_at_once)
    batches: list[list[float]] = []
    monkeypatch.setattr(
        world.announced, "send", lambda events: batches.append([event.message.score for event in events])
    )
    tasks(world).handle(assigned)
    assert [len(scores) for scores in batches] == [4, 4]
    for scores in batches:
        assert scores == sorted(scores, reverse=True)


def test_after_the_end_nothing_more_is_announced(world: World) -> None:
    at = [BEFORE + timedelta(seconds=10 * number) for number in range(10)]
    world.log.records = {GATE: [faces_event(clip("gate", moment, [SUBJECT])) for moment in at]}
    _, assigned = open_search(world, task_messages=500)

    def close() -> None:
        event = closed(AUTHORISATION_ID, NOON + timedelta(seconds=1))
        world.authorisations.apply(event.key, event.message)

    world.announced.before = close
    (only,) = tasks(world).handle(assigned)
    assert isinstance(only.message, Sighting)
    assert len(world.embedder.crops_asked) == 2


def test_tasks_are_given_out_while_the_rest_is_being_planned(world: World) -> None:
    fill(world)
    given_out: list[int] = []
    world.log.before_span = lambda: given_out.append(len(world.announced.events))
    *assigned, planned = planning(world).handle(opened(AUTHORISATION_ID, world.authority.token()))
    assert given_out[0] == 0
    assert 0 < given_out[1] < len(assigned) == 4
    # How many there are is known at the end, and whoever follows waits for it.
    assert search_task(planned).planned.task_count == 4


def test_a_plan_broken_off_is_made_again_with_the_same_tasks(world: World) -> None:
    fill(world)
    asked: list[int] = []

    def away_at_the_second() -> None:
        asked.append(1)
        if len(asked) == 2:
            raise LogAwayError("the log is away")

    world.log.before_span = away_at_the_second
    event = opened(AUTHORISATION_ID, world.authority.token())
    with pytest.raises(LogAwayError):
        planning(world).handle(event)
    before = world.announced.take()
    again: list[Event] = planning(world).handle(event)
    assert 0 < len(before) < len(again)
    assert {one.event_id for one in before} < {one.event_id for one in again}
    assert {one.topic for one in before} == {SEARCH_TASKS}
    assert HALL in world.log.records
