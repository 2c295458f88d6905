import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from homeward.access.errors import TooManyError
from homeward.access.people.principal import Principal
from homeward.access.review.feed import BATCH_MAX
from homeward.access.review.stream import Pace, Streams
from homeward.access.review.verdict import Answer
from support.access_review import REQUEST, ReviewWorld, completed, reviewer, sighting

ADA, BEN, CYD = (reviewer(name) for name in ("ada", "ben", "cyd"))


@dataclass
class SignedIn:
    """Who is signed in: everybody who has not signed out."""

    out: set[str] = field(default_factory=set)

    def is_live(self, principal: Principal) -> bool:
        return principal.official_id not in self.out


@dataclass
class Following:
    """A stream whose pauses the test fills: before each pause the next of `script` happens."""

    world: ReviewWorld
    sessions: SignedIn = field(default_factory=SignedIn)
    script: list[Callable[[], object]] = field(default_factory=list)
    pace: Pace = field(default_factory=Pace)
    limit: int = 200

    def __post_init__(self) -> None:
        self.streams = Streams(
            self.world.review.feed,
            self.sessions,
            self.world.clock,
            pace=self.pace,
            limit=self.limit,
            sleep=self._sleep,
        )
        self.world.database.on_commit(self.streams.changed)

    async def _sleep(self, seconds: float) -> None:
        self.world.clock.sleep(seconds)
        if self.script:
            self.script.pop(0)()

    def events(self, who: Principal = ADA, number: int = 0) -> list[tuple[str, Any]]:
        """Return the stream's events to its end, which the script must bring about; "id" for a number."""

        async def read() -> list[str]:
            return [text async for text in self.streams.events(who, REQUEST, number)]

        return [event for text in asyncio.run(read()) if (event := _parsed(text)) is not None]


def _parsed(text: str) -> tuple[str, Any] | None:
    lines = dict(line.split(": ", 1) for line in text.strip().splitlines() if not line.startswith(":"))
    if "id" in lines:
        return "id", int(lines["id"])
    return (lines["event"], json.loads(lines["data"])) if "event" in lines else None


@pytest.fixture
def world() -> ReviewWorld:
    world = ReviewWorld()
    world.opened()
    return world


def names(events: list[tuple[str, Any]]) -> list[str]:
    return [name for name, _ in events if name != "progress"]


def test_sightings_come_best_first_and_live_then_the_end(world: ReviewWorld) -> None:
    for number, likelihood in enumerate([3.0, 900.0]):
        world.folding.handle(sighting(number, likelihood_ratio=likelihood))
    following = Following(world, script=[lambda: world.folding.handle(sighting(7, likelihood_ratio=50.0)), world.ends])
    events = following.events()
    assert names(events) == ["sighting", "sighting", "id", "sighting", "id", "ended"]
    told = [data["likelihood_ratio"] for name, data in events if name == "sighting"]
    assert told == [900.0, 3.0, 50.0]
    assert events[-1] == ("ended", {"why": "search"})


def test_it_resumes_where_it_was_cut_off(world: ReviewWorld) -> None:
    for number in range(3):
        world.folding.handle(sighting(number))
    following = Following(world, script=[world.ends])
    assert [data for name, data in following.events(number=2) if name == "id"] == [3]
    world.opened()
    following.script = [world.ends]
    assert names(following.events(number=3)) == ["ended"]


def test_it_tells_nothing_of_anothers_answer_before_ones_own(world: ReviewWorld) -> None:
    sighting_id = world.sighted(sighting())

    def say(who: Principal, answer: Answer) -> Callable[[], object]:
        return lambda: world.review.answering.answer(who, sighting_id, answer)

    script = [say(BEN, Answer.YES), say(CYD, Answer.NO), world.ends]
    assert names(Following(world, script=list(script)).events(ADA)) == ["sighting", "id", "ended"]


def test_whoever_answered_hears_of_a_dispute_and_everybody_of_a_verdict(world: ReviewWorld) -> None:
    sighting_id = world.sighted(sighting())

    def say(who: Principal, answer: Answer) -> Callable[[], object]:
        return lambda: world.review.answering.answer(who, sighting_id, answer)

    script = [say(ADA, Answer.YES), say(BEN, Answer.NO), say(CYD, Answer.YES), world.ends]
    events = Following(world, script=script).events(ADA)
    stands = [data["standing"] for name, data in events if name == "sighting"]
    assert stands == ["asked", "waiting", "disputed", "confirmed"]


def test_progress_comes_when_it_changes(world: ReviewWorld) -> None:
    script: list[Callable[[], object]] = [lambda: world.folding.handle(completed(0)), lambda: None, world.ends]
    told = [data["faces_compared"] for name, data in Following(world, script=script).events() if name == "progress"]
    assert told == [0, 10]


def test_too_many_at_once_ask_for_the_list_instead(world: ReviewWorld) -> None:
    for number in range(BATCH_MAX + 1):
        world.folding.handle(sighting(number))
    events = names(Following(world, script=[world.ends]).events())
    assert events.count("sighting") == BATCH_MAX
    assert events[-3:] == ["reload", "id", "ended"]


def test_it_ends_with_the_session(world: ReviewWorld) -> None:
    following = Following(world)
    following.script = [lambda: following.sessions.out.add(ADA.official_id)]
    events = following.events()
    assert events[-1] == ("ended", {"why": "session"})
    assert world.clock.now() - world.searches.cases[REQUEST].opened_at <= timedelta(seconds=8)


def test_it_ends_when_the_reviewer_becomes_an_official_of_the_case(world: ReviewWorld) -> None:
    def promote() -> None:
        known = world.searches.cases[REQUEST]
        world.searches.cases[REQUEST] = replace(known, officials=known.officials | {ADA.official_id})

    assert Following(world, script=[promote]).events()[-1] == ("ended", {"why": "refused"})


def test_it_lives_for_a_bounded_time_and_is_heard_of_meanwhile(world: ReviewWorld) -> None:
    following = Following(world, pace=Pace(most=timedelta(minutes=1)))

    async def read() -> list[str]:
        return [text async for text in following.streams.events(ADA, REQUEST, 0)]

    texts = asyncio.run(read())
    assert texts.count(": still here\n\n") == 3
    assert _parsed(texts[-1]) is None


def test_it_ends_when_the_service_stops(world: ReviewWorld) -> None:
    stop = threading.Event()
    stop.set()
    following = Following(world)
    following.script = [lambda: following.streams.run(stop)]
    assert names(following.events()) == []
    assert not following.streams.ready()


def test_streams_are_bounded_for_each_and_for_all(world: ReviewWorld) -> None:
    streams = Following(world, limit=6).streams
    for _ in range(4):
        streams.take(ADA)
    with pytest.raises(TooManyError):
        streams.take(ADA)
    for _ in range(2):
        streams.take(BEN)
    with pytest.raises(TooManyError):
        streams.take(CYD)
    streams.give_back(ADA)
    streams.take(CYD)
