from dataclasses import replace
from datetime import timedelta

import pytest

from homeward.access.errors import ConflictError, ForbiddenError, NotFoundError
from homeward.access.people.principal import Principal, Role
from homeward.access.review.verdict import Answer, Standing
from homeward.shared.audit import AuditUnavailableError
from homewardapi.audit.v1 import audit_pb2
from support.access_review import APPROVER, REQUEST, REQUESTER, ReviewWorld, case, reviewer, sighting
from support.access_world import principal

ADA, BEN, CYD = (reviewer(name) for name in ("ada", "ben", "cyd"))


@pytest.fixture
def world() -> ReviewWorld:
    world = ReviewWorld()
    world.opened()
    return world


@pytest.fixture
def sighted(world: ReviewWorld) -> str:
    return world.sighted(sighting())


def say(world: ReviewWorld, who: Principal, sighting_id: str, answer: Answer) -> Standing:
    return world.review.answering.answer(who, sighting_id, answer).standing


def test_two_yes_confirm(world: ReviewWorld, sighted: str) -> None:
    assert say(world, ADA, sighted, Answer.YES) is Standing.WAITING
    assert say(world, BEN, sighted, Answer.YES) is Standing.CONFIRMED


def test_two_no_reject(world: ReviewWorld, sighted: str) -> None:
    say(world, ADA, sighted, Answer.NO)
    assert say(world, BEN, sighted, Answer.NO) is Standing.REJECTED


def test_a_third_decides_what_is_disputed(world: ReviewWorld, sighted: str) -> None:
    say(world, ADA, sighted, Answer.YES)
    assert say(world, BEN, sighted, Answer.NO) is Standing.DISPUTED
    assert say(world, CYD, sighted, Answer.YES) is Standing.CONFIRMED


def test_one_reviewer_alone_confirms_nothing(world: ReviewWorld, sighted: str) -> None:
    for _ in range(3):
        assert say(world, ADA, sighted, Answer.YES) is Standing.WAITING


def test_an_answer_can_be_changed_until_the_second_is_in(world: ReviewWorld, sighted: str) -> None:
    say(world, ADA, sighted, Answer.NO)
    say(world, ADA, sighted, Answer.YES)
    say(world, BEN, sighted, Answer.UNSURE)
    for who in (ADA, BEN):
        with pytest.raises(ConflictError) as refused:
            say(world, who, sighted, Answer.NO)
        assert refused.value.code == "answered"


def test_what_is_decided_takes_no_more_answers(world: ReviewWorld, sighted: str) -> None:
    say(world, ADA, sighted, Answer.YES)
    say(world, BEN, sighted, Answer.YES)
    with pytest.raises(ConflictError) as refused:
        say(world, CYD, sighted, Answer.NO)
    assert refused.value.code == "decided"
    assert say(world, ADA, sighted, Answer.YES) is Standing.CONFIRMED


@pytest.mark.parametrize("official", [REQUESTER, APPROVER], ids=["requester", "approver"])
def test_whoever_asked_or_decided_cannot_review(world: ReviewWorld, sighted: str, official: Principal) -> None:
    both = replace(official, roles=official.roles | {Role.REVIEWER})
    attempts = (
        lambda: world.review.answering.answer(both, sighted, Answer.YES),
        lambda: world.review.review.search(both, REQUEST),
        lambda: world.review.review.sightings(both, REQUEST),
        lambda: world.review.review.sighting(both, sighted),
        lambda: world.review.review.next_asked(both, REQUEST),
        lambda: world.review.pictures.crop(both, sighted, 0),
        lambda: world.review.pictures.photo(both, REQUEST, 0),
        lambda: world.review.feed.open(both, REQUEST),
        lambda: world.review.feed.look(both, REQUEST, 0, {}),
    )
    for attempt in attempts:
        world.audit.entries.clear()
        with pytest.raises(ForbiddenError) as refused:
            attempt()
        assert refused.value.code == "own_case"
        (entry,) = world.audit.entries
        assert (entry.outcome, entry.code) == (audit_pb2.AUDIT_OUTCOME_DENIED, "own_case")
    assert world.review.review.searches(both) == []


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.REVIEWER])
def test_nobody_but_reviewers_answers(world: ReviewWorld, sighted: str, role: Role) -> None:
    with pytest.raises(ForbiddenError):
        say(world, principal(role), sighted, Answer.YES)


def test_whoever_reads_the_log_of_answers_cannot_review(world: ReviewWorld, sighted: str) -> None:
    both = principal(Role.REVIEWER, Role.AUDITOR)
    for attempt in (lambda: say(world, both, sighted, Answer.YES), lambda: world.review.review.searches(both)):
        with pytest.raises(ForbiddenError) as refused:
            attempt()
        assert refused.value.code == "auditor"


def test_the_voice_of_whoever_becomes_an_official_afterwards_does_not_count(world: ReviewWorld, sighted: str) -> None:
    say(world, ADA, sighted, Answer.YES)
    known = world.searches.cases[REQUEST]
    world.searches.cases[REQUEST] = replace(known, officials=known.officials | {ADA.official_id})
    assert say(world, BEN, sighted, Answer.YES) is Standing.WAITING
    assert say(world, CYD, sighted, Answer.YES) is Standing.CONFIRMED


def test_an_ended_search_takes_no_answer(world: ReviewWorld, sighted: str) -> None:
    world.ends()
    with pytest.raises(ConflictError) as refused:
        say(world, ADA, sighted, Answer.YES)
    assert refused.value.code == "ended"
    assert not world.review.review.sighting(ADA, sighted).may_answer


def test_a_search_ends_by_the_clock_alone(world: ReviewWorld, sighted: str) -> None:
    world.clock.move(timedelta(hours=12) - timedelta(microseconds=1))
    say(world, ADA, sighted, Answer.YES)
    world.clock.move(timedelta(microseconds=1))
    with pytest.raises(ConflictError):
        say(world, BEN, sighted, Answer.YES)


def test_what_lies_outside_what_was_approved_is_no_sighting(world: ReviewWorld, sighted: str) -> None:
    world.searches.cases[REQUEST] = replace(case(), camera_ids=frozenset({"hall"}))
    assert world.review.review.sightings(ADA, REQUEST).sightings == ()
    for attempt in (
        lambda: say(world, ADA, sighted, Answer.YES),
        lambda: world.review.review.sighting(ADA, sighted),
        lambda: world.review.pictures.crop(ADA, sighted, 0),
    ):
        with pytest.raises(NotFoundError):
            attempt()


def test_answers_and_verdicts_are_recorded_in_order(world: ReviewWorld, sighted: str) -> None:
    for who, answer in ((ADA, Answer.YES), (BEN, Answer.NO), (CYD, Answer.YES)):
        say(world, who, sighted, answer)
    told = [(entry.action, entry.actor_id, entry.code) for entry in world.audit.entries]
    answered, decided = audit_pb2.AUDIT_ACTION_SIGHTING_ANSWERED, audit_pb2.AUDIT_ACTION_SIGHTING_DECIDED
    assert told == [
        (answered, ADA.official_id, "yes"),
        (answered, BEN.official_id, "no"),
        (decided, BEN.official_id, "disputed"),
        (answered, CYD.official_id, "yes"),
        (decided, CYD.official_id, "confirmed"),
    ]
    assert {entry.sighting_id for entry in world.audit.entries} == {sighted}


@pytest.mark.parametrize("first", [None, Answer.YES], ids=["first", "deciding"])
def test_what_cannot_be_recorded_is_not_answered(world: ReviewWorld, sighted: str, first: Answer | None) -> None:
    if first is not None:
        say(world, BEN, sighted, first)
    world.audit.away = True
    with pytest.raises(AuditUnavailableError):
        say(world, ADA, sighted, Answer.YES)
    world.audit.away = False
    view = world.review.review.sighting(ADA, sighted)
    assert (view.standing, view.own_answer) == (Standing.ASKED, None)


def test_the_best_sighting_is_asked_first_and_in_the_same_order_for_ever(world: ReviewWorld) -> None:
    ids = {
        likelihood: world.sighted(sighting(number, likelihood_ratio=likelihood))
        for number, likelihood in enumerate([3.0, 900.0, 40.0, None])
    }
    expected = [ids[likelihood] for likelihood in (900.0, 40.0, 3.0, None)]
    shown = [view.sighting_id for view in world.review.review.sightings(ADA, REQUEST).sightings]
    assert shown == expected
    for number, sighting_id in enumerate(expected):
        assert world.review.review.next_asked(ADA, REQUEST) == sighting_id
        assert world.review.review.search(ADA, REQUEST).asked == 4 - number
        say(world, ADA, sighting_id, Answer.NO)
        assert [view.sighting_id for view in world.review.review.sightings(ADA, REQUEST).sightings] == expected
    assert world.review.review.next_asked(ADA, REQUEST) is None


def test_a_long_list_comes_in_parts(world: ReviewWorld) -> None:
    ids = {world.sighted(sighting(number, likelihood_ratio=5.0)) for number in range(103)}
    seen: list[str] = []
    start: str | None = None
    while True:
        part = world.review.review.sightings(ADA, REQUEST, start)
        assert len(part.sightings) <= 50
        seen += [view.sighting_id for view in part.sightings]
        start = part.after
        if start is None:
            break
    assert len(seen) == 103
    assert set(seen) == ids


def test_officials_see_what_was_decided_and_nothing_of_what_was_not(world: ReviewWorld) -> None:
    confirmed, disputed, rejected, _ = (world.sighted(sighting(number)) for number in range(4))
    for who in (ADA, BEN):
        say(world, who, confirmed, Answer.YES)
        say(world, who, rejected, Answer.NO)
        say(world, who, disputed, Answer.UNSURE)
    for official in (REQUESTER, APPROVER):
        outcome = world.review.results.outcome(official, REQUEST)
        assert (outcome.undecided, outcome.disputed, outcome.rejected) == (1, 1, 1)
        assert [view.sighting_id for view in outcome.confirmed] == [confirmed]
        assert {view.own_answer for view in outcome.confirmed} == {None}
    for stranger in (ADA, principal(Role.REQUESTER, name="another officer")):
        with pytest.raises(NotFoundError):
            world.review.results.outcome(stranger, REQUEST)
