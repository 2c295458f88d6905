import math
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event as sql_event
from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from homeward.access.review.forgetting import Forgetting
from homeward.access.review.model import Progress, SightingView
from homeward.access.review.tables import PartRow, PictureRow, SightingRow
from homeward.shared.events import Event, InvalidEventError
from homeward.shared.ids import clip_id, derived_id, sighting_id
from homeward.shared.objectkeys import crops_key, footage_key
from homeward.shared.runtime.handler import RetryableError
from homeward.shared.topics import HOLDS
from homewardapi.search.v1.search_pb2 import REFUSAL_REASON_NO_FACE
from homewardapi.sighting.v1.sighting_pb2 import Sighting
from support import examples
from support.access_review import (
    EXPECTED,
    REQUEST,
    ReviewWorld,
    completed,
    planned,
    refused,
    reviewer,
    sighting,
)
from support.access_world import NOON

ADA = reviewer("ada")

EVENTS = (
    *(sighting(number, likelihood_ratio=10.0 ** (number % 3)) for number in range(4)),
    planned(2),
    completed(0, continued=True),
    completed(1, compared=30),
    completed(2),
    completed(0, live=True),
    refused(REFUSAL_REASON_NO_FACE, 1),
)


def _world() -> ReviewWorld:
    world = ReviewWorld()
    world.opened()
    return world


@pytest.fixture
def world() -> ReviewWorld:
    return _world()


def progress(world: ReviewWorld) -> Progress:
    return world.review.review.search(ADA, REQUEST).progress


def listed(world: ReviewWorld) -> list[SightingView]:
    return list(world.review.review.sightings(ADA, REQUEST).sightings)


def told(world: ReviewWorld) -> tuple[list[SightingView], Progress]:
    return listed(world), progress(world)


@pytest.fixture(scope="module")
def plain() -> tuple[list[SightingView], Progress]:
    """What the events come to, each told once and in order."""
    world = _world()
    for event in EVENTS:
        world.folding.handle(event)
    return told(world)


@settings(max_examples=10, deadline=None)
@given(st.permutations(EVENTS), st.lists(st.sampled_from(EVENTS), max_size=8))
def test_events_in_any_order_and_number_come_to_the_same(
    plain: tuple[list[SightingView], Progress], order: list[Event], again: list[Event]
) -> None:
    world = _world()
    for event in [*order, *again]:
        world.folding.handle(event)
    assert told(world) == plain


def test_the_sums_of_a_search(world: ReviewWorld) -> None:
    for event in EVENTS:
        world.folding.handle(event)
    found = progress(world)
    assert (found.tasks, found.tasks_done) == (3, 3)
    assert (found.faces_compared, found.faces_too_poor, found.faces_unreadable) == (60, 8, 4)
    assert found.expected_false == 60 * EXPECTED
    assert found.camera_s == pytest.approx(4 * 600)
    assert found.refusal is None


def test_a_search_that_cannot_start_says_why_and_which_photo(world: ReviewWorld) -> None:
    world.folding.handle(refused(REFUSAL_REASON_NO_FACE, 1))
    assert (progress(world).refusal, progress(world).refused_photo) == ("no_face", 1)


def test_of_two_plans_the_newer_stands(world: ReviewWorld) -> None:
    world.folding.handle(planned(7, at=NOON + timedelta(hours=1)))
    world.folding.handle(planned(2))
    assert progress(world).tasks == 7


@pytest.mark.parametrize("event", [sighting(), completed(0)], ids=["sighting", "result"])
def test_a_crash_before_the_commit_leaves_nothing_and_the_event_counts_once(world: ReviewWorld, event: Event) -> None:
    def crash(_: Connection) -> None:
        raise RuntimeError("killed")

    before = told(world)
    sql_event.listen(world.database.engine, "commit", crash)
    with pytest.raises(RuntimeError, match="killed"):
        world.folding.handle(event)
    sql_event.remove(world.database.engine, "commit", crash)
    assert told(world) == before
    world.folding.handle(event)
    once = told(world)
    assert once != before
    # Killed after the commit, before the offset's: it comes again.
    world.folding.handle(event)
    assert told(world) == once


def test_the_first_telling_of_a_sighting_stands(world: ReviewWorld) -> None:
    world.folding.handle(sighting(score=0.7))
    first = listed(world)
    world.folding.handle(sighting(score=0.9, likelihood_ratio=9000.0))
    assert listed(world) == first


def test_what_belongs_to_no_request_is_passed_over(world: ReviewWorld) -> None:
    stranger = derived_id("example", "unknown")
    world.folding.handle(sighting(request_id=stranger))
    world.folding.handle(completed(0, request_id=stranger))
    with world.database.read() as session:
        assert session.scalar(select(func.count()).select_from(SightingRow)) == 0
        assert session.scalar(select(func.count()).select_from(PartRow)) == 0


def _changed(change: Callable[[Sighting], None]) -> Event:
    event = sighting()
    assert isinstance(event.message, Sighting)
    message = Sighting()
    message.CopyFrom(event.message)
    change(message)
    return replace(event, message=message)


def _another_camera(message: Sighting) -> None:
    message.camera_id = "hall"


def _another_clip(message: Sighting) -> None:
    starts_at = NOON - timedelta(days=3)
    message.crops_key = crops_key("gate", starts_at, clip_id("gate", starts_at))


def _footage(message: Sighting) -> None:
    message.crops_key = footage_key("gate", NOON - timedelta(hours=1), message.clip_id)


def _another_id(message: Sighting) -> None:
    message.sighting_id = sighting_id(REQUEST, message.clip_id, 1)


def _huge(message: Sighting) -> None:
    message.other_crops[0].length_bytes = 2**30


def _no_number(message: Sighting) -> None:
    message.score = math.nan


def _backwards(message: Sighting) -> None:
    message.last_seen_at.seconds -= 60


def _no_uuid(message: Sighting) -> None:
    message.authorisation_id = "x' OR 1=1"


CHANGES = [_another_camera, _another_clip, _footage, _another_id, _huge, _no_number, _backwards, _no_uuid]


@pytest.mark.parametrize("change", CHANGES, ids=[change.__name__[1:] for change in CHANGES])
def test_what_is_no_sighting_of_its_clip_goes_to_the_dead_letters(
    world: ReviewWorld, change: Callable[[Sighting], None]
) -> None:
    with pytest.raises(InvalidEventError):
        world.folding.handle(_changed(change))
    assert listed(world) == []


def test_another_topics_event_goes_to_the_dead_letters(world: ReviewWorld) -> None:
    with pytest.raises(InvalidEventError):
        world.folding.handle(examples.example(HOLDS))


def test_a_likelihood_that_is_no_number_is_none(world: ReviewWorld) -> None:
    def change(message: Sighting) -> None:
        message.optional_likelihood_ratio = math.inf

    world.folding.handle(_changed(change))
    assert listed(world)[0].likelihood_ratio is None


def test_while_the_database_is_away_the_event_waits(world: ReviewWorld) -> None:
    world.database.engine.dispose()
    world.database.engine = type(world.database)("sqlite:////nowhere/at/all.db").engine
    with pytest.raises(RetryableError):
        world.folding.handle(sighting())


def test_references_to_pictures_are_forgotten_in_time_and_not_taken_again(world: ReviewWorld) -> None:
    forgetting = Forgetting(world.database, world.searches, world.clock, timedelta(hours=24))
    world.sighted(sighting())
    world.folding.handle(completed(0))
    world.ends()
    before = progress(world)
    assert forgetting.forget(world.clock.now() + timedelta(hours=23)) == 0
    assert forgetting.forget(world.clock.now() + timedelta(hours=24)) == 1
    assert forgetting.forget(world.clock.now() + timedelta(hours=25)) == 0
    for event in (sighting(), sighting(1), completed(0), completed(1)):
        world.folding.handle(event)
    with world.database.read() as session:
        assert session.scalar(select(func.count()).select_from(PictureRow)) == 0
        assert session.scalars(select(SightingRow.crops_key)).all() == [None, None]
        assert session.scalar(select(func.count()).select_from(PartRow)) == 0
    assert progress(world) == before
    assert [view.camera_id for view in listed(world)] == ["gate", "gate"]
