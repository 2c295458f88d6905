"""The list of searches: each counts its own sightings, as far as they were approved, and all are read at once."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event

from homeward.access.cases.model import Approval
from homeward.access.database.database import Database
from homeward.access.review.requests import RequestCases
from homeward.access.review.verdict import Answer
from homeward.shared.ids import derived_id
from homeward.shared.objectkeys import photo_key
from support.access_cases import COMMANDER, OFFICER, REASON, CasesWorld, missing
from support.access_review import REQUEST, ReviewWorld, planned, reviewer, sighting
from support.access_world import NOON

ADA, BEN = reviewer("ada"), reviewer("ben")
OTHER = derived_id("example", "another request")


@pytest.fixture
def world() -> ReviewWorld:
    world = ReviewWorld()
    world.opened()
    world.opened(OTHER)
    return world


def counts(world: ReviewWorld) -> dict[str, tuple[int, int]]:
    return {view.request_id: (view.sightings, view.asked) for view in world.review.review.searches(ADA)}


def test_each_search_counts_its_own(world: ReviewWorld) -> None:
    first, *_ = [world.sighted(sighting(number)) for number in range(3)]
    world.sighted(sighting(7, request_id=OTHER))
    world.folding.handle(planned(4))
    world.review.answering.answer(ADA, first, Answer.UNSURE)
    assert counts(world) == {REQUEST: (3, 2), OTHER: (1, 1)}
    known = {view.request_id: view.progress.tasks for view in world.review.review.searches(ADA)}
    assert known == {REQUEST: 4, OTHER: None}


def test_what_was_not_approved_is_not_counted(world: ReviewWorld) -> None:
    for request_id in (REQUEST, OTHER):
        world.sighted(sighting(request_id=request_id, camera_id="hall"))
        world.sighted(sighting(request_id=request_id))
        world.sighted(sighting(request_id=request_id, at=NOON + timedelta(hours=1)))
    narrowed = replace(world.searches.cases[REQUEST], camera_ids=frozenset({"gate"}), window_ends_at=NOON)
    world.searches.cases[REQUEST] = narrowed
    assert counts(world) == {REQUEST: (1, 1), OTHER: (3, 3)}
    assert world.review.review.search(ADA, REQUEST).sightings == 1


def test_what_is_decided_awaits_nobody(world: ReviewWorld) -> None:
    sighted = world.sighted(sighting())
    for who in (BEN, reviewer("cyd")):
        world.review.answering.answer(who, sighted, Answer.NO)
    assert counts(world)[REQUEST] == (1, 0)


def test_there_may_be_no_search() -> None:
    assert ReviewWorld().review.review.searches(ADA) == []


@pytest.fixture
def statements() -> list[str]:
    return []


def listen(database: Database, statements: list[str]) -> None:
    event.listen(database.engine, "before_cursor_execute", lambda _, __, statement, *___: statements.append(statement))


def test_a_hundred_searches_take_no_more_statements_than_one(world: ReviewWorld, statements: list[str]) -> None:
    listen(world.database, statements)
    world.review.review.searches(ADA)
    few = len(statements)
    for number in range(98):
        world.opened(derived_id("example", "many", number))
    statements.clear()
    assert len(world.review.review.searches(ADA)) == 100
    assert len(statements) == few


def test_requests_are_read_for_review_in_as_many_statements(statements: list[str]) -> None:
    world = CasesWorld()
    listen(world.database, statements)
    taken = []
    for _ in range(2):
        made = world.ask(replace(missing(NOON), urgent=True))
        world.cases.start(OFFICER, made.request_id)
        statements.clear()
        with world.database.read() as session:
            RequestCases().open(session, world.clock.now())
        taken.append(len(statements))
    assert taken[0] == taken[1]


def test_each_request_has_its_own_officials_and_photos() -> None:
    world = CasesWorld()
    made = [world.ask(replace(missing(NOON), urgent=True)).request_id for _ in range(2)]
    for request_id in made:
        world.cases.start(OFFICER, request_id)
    world.cases.approve(COMMANDER, made[0], Approval(REASON))
    with world.database.read() as session:
        found = {case.request_id: case for case in RequestCases().open(session, world.clock.now())}
    asked, decided = OFFICER.official_id, COMMANDER.official_id
    assert [found[one].officials for one in made] == [frozenset({asked, decided}), frozenset({asked})]
    assert [found[one].photos for one in made] == [(photo_key(one, 0),) for one in made]
