"""An end stops everything at once: what waits, what is being planned, and what reads the log for nothing."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from homeward.matching.ports import EmbedderAwayError
from homeward.shared.events import Event
from support.authorisations import AUTHORISATION_ID, NOON
from support.matching import SUBJECT, World, clip, closed, faces_event, opened
from support.matching_handlers import BEFORE, GATE, fill, live, open_search, planning, tasks

SHORTLY = timedelta(seconds=5)


def close(world: World) -> None:
    event = closed(AUTHORISATION_ID, NOON + timedelta(seconds=1))
    world.authorisations.apply(event.key, event.message)


def close_at(world: World, after: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    """Close the search once the clock, moved by nothing but sleep, has come to `after` from noon."""
    sleep = world.clock.sleep

    def sleeping(seconds: float) -> None:
        sleep(seconds)
        if world.clock.now() >= NOON + after:
            close(world)

    monkeypatch.setattr(world.clock, "sleep", sleeping)


def test_an_end_while_replicas_are_waited_for_ends_the_wait_and_plans_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(world)
    spans: list[int] = []
    world.log.before_span = lambda: spans.append(1)
    close_at(world, timedelta(seconds=10), monkeypatch)
    patient = planning(world, handover=timedelta(seconds=60))
    assert patient.handle(opened(AUTHORISATION_ID, world.authority.token())) == []
    assert spans == []
    assert world.clock.now() - NOON < timedelta(seconds=10) + SHORTLY


def test_an_end_between_two_partitions_gives_out_no_more_tasks(world: World) -> None:
    fill(world)
    world.log.before_span = lambda: close(world)
    assert planning(world).handle(opened(AUTHORISATION_ID, world.authority.token())) == []


def test_hours_of_clips_without_a_face_are_not_read_on(world: World) -> None:
    clips = [faces_event(clip("gate", BEFORE + timedelta(seconds=number))) for number in range(3000)]
    world.log.records = {GATE: clips}
    _, assigned = open_search(world, task_messages=5000)
    read: list[int] = []
    whole = world.log.read

    def counted(*asked: object) -> object:
        for one in whole(*asked):  # type: ignore[arg-type]
            read.append(1)
            if len(read) == 100:
                close(world)
            yield one

    world.log.read = counted  # type: ignore[method-assign, assignment]
    assert tasks(world).handle(assigned) == []
    assert len(read) == 100


@pytest.mark.parametrize("what", ["task", "clip"])
def test_what_waits_for_an_embedder_that_is_away_is_let_go_at_the_end(world: World, what: str) -> None:
    fill(world)
    _, assigned, *_ = open_search(world)
    handlers: dict[str, tuple[Callable[[Event], object], Event]] = {
        "task": (tasks(world).handle, assigned),
        "clip": (live(world).handle, faces_event(clip("gate", NOON, [SUBJECT]))),
    }
    handle, event = handlers[what]
    world.embedder.away = True
    with pytest.raises(EmbedderAwayError):
        handle(event)
    close(world)
    assert handle(event) == []
    assert world.embedder.crops_asked == []


def test_an_end_stops_a_live_clip_between_two_faces(world: World) -> None:
    open_search(world)

    def close_at_the_third() -> None:
        if len(world.embedder.crops_asked) == 3:
            close(world)

    world.embedder.before_answer = close_at_the_third
    assert live(world).handle(faces_event(clip("gate", NOON, [2, 3, 4, 5, 6, SUBJECT]))) == []
    assert len(world.embedder.crops_asked) == 3
