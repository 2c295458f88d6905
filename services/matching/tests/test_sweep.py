"""The sweep: what has no right to be stored is gone within a second, and what has is not touched."""

import threading
from datetime import timedelta

import pytest

from homeward.matching.ports import StoreAwayError
from homeward.matching.searches import Searches
from homeward.matching.subject import Count, Wiped
from homeward.matching.sweep import ORPHAN_AFTER, Sweeper
from support.authorisations import AUTHORISATION_ID, NOON, request
from support.matching import World, closed, opened

NOTHING = Count(0, 0)


def sweeper(world: World, *, known: bool = True) -> Sweeper:
    return Sweeper(
        authorisations=world.authorisations,
        subjects=world.subjects,
        clock=world.clock,
        meter=world.meter,
        known=lambda: known,
    )


def searches(world: World) -> Searches:
    return Searches(
        authorisations=world.authorisations, subjects=world.subjects, enrolment=world.enrolment, meter=world.meter
    )


def enrol(world: World, *, urgent: bool = False) -> None:
    asked = request(urgent_for=timedelta(hours=1)) if urgent else request()
    event = opened(AUTHORISATION_ID, world.authority.token(asked))
    world.authorisations.apply(event.key, event.message)
    search = world.authorisations.live(AUTHORISATION_ID)
    assert search is not None
    assert world.enrolment.admit(search) is None


def test_a_live_subject_stays(world: World) -> None:
    enrol(world)
    sweeper(world).sweep()
    assert world.subjects.count() == Count(1, 1)


def test_a_closed_one_goes_at_once(world: World) -> None:
    enrol(world)
    event = closed(AUTHORISATION_ID, NOON + timedelta(seconds=1))
    world.authorisations.apply(event.key, event.message)
    sweeper(world).sweep()
    assert world.subjects.count() == NOTHING


def test_an_expired_one_goes_to_the_moment(world: World) -> None:
    enrol(world)
    sweep = sweeper(world)
    world.clock.move(timedelta(hours=12) - timedelta(microseconds=1))
    sweep.sweep()
    assert world.subjects.count() == Count(1, 1)
    world.clock.move(timedelta(microseconds=1))
    sweep.sweep()
    assert world.subjects.count() == NOTHING


def test_after_a_restart_an_expired_one_goes_before_anything_is_known(world: World) -> None:
    enrol(world)
    world.clock.move(timedelta(hours=13))
    anew = World(world.subjects, authority=world.authority)
    sweeper(anew, known=False).sweep()
    assert world.subjects.count() == NOTHING


def test_an_unknown_one_is_left_while_it_may_still_become_known(world: World) -> None:
    enrol(world)
    anew = World(world.subjects, authority=world.authority)
    unread = sweeper(anew, known=False)
    unread.sweep()
    anew.clock.move(10 * ORPHAN_AFTER)
    unread.sweep()
    assert world.subjects.count() == Count(1, 1)

    read = sweeper(anew)
    read.sweep()
    anew.clock.move(ORPHAN_AFTER - timedelta(seconds=1))
    read.sweep()
    assert world.subjects.count() == Count(1, 1)
    anew.clock.move(timedelta(seconds=1))
    read.sweep()
    assert world.subjects.count() == NOTHING


def test_a_renewal_that_another_replica_enrolled_is_not_taken_for_the_old_token(world: World) -> None:
    enrol(world, urgent=True)
    other = World(world.subjects, authority=world.authority)
    event = opened(AUTHORISATION_ID, world.authority.token(), NOON + timedelta(minutes=59))
    other.authorisations.apply(event.key, event.message)
    renewed = other.authorisations.live(AUTHORISATION_ID)
    assert renewed is not None
    other.enrolment.admit(renewed)

    world.clock.move(timedelta(hours=1, seconds=1))
    assert world.authorisations.live(AUTHORISATION_ID) is None
    sweeper(world).sweep()
    assert world.subjects.count() == Count(1, 1)


def test_a_store_that_is_away_is_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = sweeper(world).part()
    stop = threading.Event()
    turns: list[bool] = []

    def away() -> frozenset[str]:
        turns.append(sweep.ready())
        stop.set()
        raise StoreAwayError("away")

    monkeypatch.setattr(world.subjects, "enrolled", away)
    sweep.run(stop)
    assert turns == [False]
    assert not sweep.ready()


def test_it_is_ready_once_it_has_swept(world: World) -> None:
    sweep = sweeper(world).part()
    stop = threading.Event()
    thread = threading.Thread(target=sweep.run, args=(stop,))
    thread.start()
    for _ in range(100):
        if sweep.ready():
            break
        stop.wait(0.05)
    stop.set()
    thread.join(5)
    assert sweep.ready()
    assert not thread.is_alive()


def test_a_wipe_stops_the_search_too(world: World) -> None:
    enrol(world)
    asked = searches(world)
    standing = asked.standing(AUTHORISATION_ID)
    assert standing is not None
    assert standing.subject is not None

    assert asked.wipe(AUTHORISATION_ID) == Wiped(1, 0)
    assert asked.wipe(AUTHORISATION_ID) == Wiped(0, 0)
    assert world.authorisations.live(AUTHORISATION_ID) is None
    assert asked.standing(AUTHORISATION_ID) is None
    assert asked.count() == NOTHING


def test_a_refused_search_stands_as_refused(world: World) -> None:
    world.embedder.photos = {f"{AUTHORISATION_ID}/0.jpg": -5}
    event = opened(AUTHORISATION_ID, world.authority.token())
    world.authorisations.apply(event.key, event.message)
    search = world.authorisations.live(AUTHORISATION_ID)
    assert search is not None
    world.enrolment.admit(search)
    standing = searches(world).standing(AUTHORISATION_ID)
    assert standing is not None
    assert standing.subject is None
    assert standing.refusal is not None
