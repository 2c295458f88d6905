"""A reviewer need not wait for the end of anything: sightings and tasks are announced as they are there."""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import islice

import pytest

from homeward.matching.ports import EmbedderAwayError, LogAwayError, NoTemplate, Reference
from homeward.matching.template import Template
from homeward.shared.events import Event
from homeward.shared.runtime.producer import DeliveryError
from homeward.shared.topics import SEARCH_TASKS
from homewardapi.sighting.v1.sighting_pb2 import Sighting
from support.authorisations import AUTHORISATION_ID, NOON
from support.matching import SUBJECT, World, clip, closed, faces_event, opened
from support.matching_handlers import BEFORE, GATE, HALL, fill, open_search, planning, search_task, sightings, tasks

PATIENCE_S = 10


def walks(world: World, people: Sequence[int]) -> Event:
    """Put a clip of the gate for each of `people` into the log, in one task, and return it."""
    at = [BEFORE + timedelta(seconds=10 * number) for number in range(len(people))]
    clips = [clip("gate", moment, [person]) for moment, person in zip(at, people, strict=True)]
    world.log.records = {GATE: [faces_event(one) for one in clips]}
    return open_search(world, task_messages=500)[1]


def test_a_sighting_is_announced_before_its_task_is_done(world: World) -> None:
    assigned = walks(world, [SUBJECT if number in {1, 30} else 5 for number in range(40)])
    announced = threading.Event()
    world.announced.before = announced.set

    def before_answer() -> None:
        # Of forty faces the tenth is not answered before the second, the subject's, is announced.
        if len(world.embedder.crops_asked) == 10:
            assert announced.wait(PATIENCE_S)

    world.embedder.before_answer = before_answer
    events = tasks(world).handle(assigned)
    assert [type(event.message) is Sighting for event in events] == [True, True, False]
    assert search_task(events[-1]).completed.candidates == 2


def test_no_template_waits_for_a_broker_that_is_slow(world: World) -> None:
    assigned = walks(world, [SUBJECT, 5, 6, SUBJECT, 7, 8])
    whole = threading.Event()

    def before_answer() -> None:
        # The first sighting's crops are two; the last face is asked for while its announcement still waits.
        if len(world.embedder.crops_asked) == 7:
            whole.set()

    waited: list[bool] = []
    world.embedder.before_answer = before_answer
    world.announced.before = lambda: waited.append(whole.wait(PATIENCE_S))
    assert len(sightings(tasks(world).handle(assigned))) == 2
    assert waited == [True, True]


def test_a_completion_comes_after_every_sighting_is_acknowledged(world: World) -> None:
    assigned = walks(world, [5, SUBJECT])
    acknowledged: list[float] = []

    def slow() -> None:
        threading.Event().wait(0.2)
        acknowledged.append(1)

    world.announced.before = slow
    told = tasks(world)
    assert len(told.handler.handle(assigned)) == 1
    assert acknowledged == [1]


@pytest.mark.parametrize("people", [[SUBJECT, *range(2, 30)], [*range(2, 9), SUBJECT]])
def test_a_sighting_that_cannot_be_announced_stops_the_task(world: World, people: list[int]) -> None:
    assigned = walks(world, people)

    def fail() -> None:
        raise DeliveryError("not delivered")

    world.announced.before = fail
    with pytest.raises(DeliveryError):
        tasks(world).handle(assigned)


def test_a_task_that_breaks_off_waits_for_no_announcement(world: World) -> None:
    assigned = walks(world, [SUBJECT, SUBJECT, *range(2, 9)])
    announced, broken = threading.Event(), threading.Event()

    def before_answer() -> None:
        if len(world.embedder.crops_asked) == 5:
            assert announced.wait(PATIENCE_S)
            raise EmbedderAwayError("the embedder is away")

    def slow() -> None:
        announced.set()
        broken.wait(PATIENCE_S)

    world.embedder.before_answer = before_answer
    world.announced.before = slow
    try:
        with pytest.raises(EmbedderAwayError):
            tasks(world).handle(assigned)
        assert world.announced.events == []
    finally:
        broken.set()
    for thread in threading.enumerate():
        if thread.name == "announcements":
            thread.join(PATIENCE_S)
    # What was under way could not be called back; the other waits for the task to be done again.
    assert len(world.announced.events) == 1


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
    assigned = walks(world, [SUBJECT] * 10)
    five_wait, over = threading.Event(), threading.Event()

    def close() -> None:
        assert five_wait.wait(PATIENCE_S)
        event = closed(AUTHORISATION_ID, NOON + timedelta(seconds=1))
        world.authorisations.apply(event.key, event.message)
        over.set()

    def before_answer() -> None:
        # Two crops each: behind the first sighting, whose announcement is under way, five wait.
        if len(world.embedder.crops_asked) == 12:
            five_wait.set()
            assert over.wait(PATIENCE_S)

    world.announced.before = close
    world.embedder.before_answer = before_answer
    (only,) = tasks(world).handle(assigned)
    assert isinstance(only.message, Sighting)
    assert len(world.embedder.crops_asked) == 12


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
