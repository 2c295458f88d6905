"""Review on PostgreSQL, where transactions do run beside one another: replicas that fold, reviewers who answer."""

import random
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest
from sqlalchemy import func, select

from homeward.access.database.base import Base
from homeward.access.database.database import Database
from homeward.access.errors import ConflictError
from homeward.access.people.principal import Principal
from homeward.access.review.tables import AnswerRow, SightingRow, TallyRow
from homeward.access.review.verdict import QUORUM, Answer, Verdict, verdict_of
from homeward.shared.events import Event
from homeward.shared.runtime.handler import RetryableError
from support.access_review import REQUEST, ReviewWorld, completed, reviewer, sighting
from support.postgres import running_postgres

pytestmark = pytest.mark.postgres

REVIEWERS = tuple(reviewer(name) for name in ("ada", "ben", "cyd", "dan", "eve"))
SIGHTINGS = 20


@pytest.fixture
def world() -> Iterator[ReviewWorld]:
    with running_postgres() as url:
        database = Database(url)
        Base.metadata.create_all(database.engine)
        world = ReviewWorld(database=database)
        world.opened()
        yield world
        database.close()


def at_once(tasks: Sequence[Callable[[], None]]) -> None:
    """Run `tasks` beside one another; raise what any of them raised."""
    failed: list[BaseException] = []

    def run(task: Callable[[], None]) -> None:
        try:
            task()
        except BaseException as error:  # noqa: BLE001 - it is raised again, on the test's own thread
            failed.append(error)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def test_replicas_fold_the_same_events_and_reviewers_answer_the_same_sightings(world: ReviewWorld) -> None:
    events = [*(sighting(number, likelihood_ratio=2.0 + number) for number in range(SIGHTINGS))]
    events += [completed(number, live=number % 2 == 0) for number in range(SIGHTINGS)]

    def fold(seed: int) -> None:
        for event in random.Random(seed).sample(events, len(events)):  # noqa: S311 - an order, not a secret
            _fold(world, event)

    at_once([lambda seed=seed: fold(seed) for seed in range(3)])  # type: ignore[misc]
    seen = world.review.review.search(REVIEWERS[0], REQUEST)
    assert (seen.sightings, seen.progress.faces_compared) == (SIGHTINGS, 10 * SIGHTINGS)

    ids = [view.sighting_id for view in world.review.review.sightings(REVIEWERS[0], REQUEST).sightings]

    def answer(who: Principal, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - an answer, not a secret
        for sighting_id in ids:
            try:
                world.review.answering.answer(who, sighting_id, chance.choice(list(Answer)))
            except ConflictError as error:
                assert error.code == "decided"  # noqa: PT017 - nobody answers twice here

    at_once([lambda who=who, seed=seed: answer(who, seed) for seed, who in enumerate(REVIEWERS)])  # type: ignore[misc]
    with world.database.read() as session:
        final = 0
        for sighting_id, verdict in session.execute(select(SightingRow.sighting_id, SightingRow.verdict)).all():
            chosen = select(AnswerRow.answer).where(AnswerRow.sighting_id == sighting_id)
            answers = [Answer(given) for given in session.scalars(chosen)]
            assert Verdict(verdict) is verdict_of(answers)
            # Nobody answered after the verdict.
            assert max(answers.count(Answer.YES), answers.count(Answer.NO)) <= QUORUM
            final += Verdict(verdict).final
        numbers = [*session.scalars(select(SightingRow.arrived)), *session.scalars(select(SightingRow.decided))]
        assert sorted(number for number in numbers if number is not None) == list(range(1, SIGHTINGS + final + 1))
        assert session.scalar(select(func.max(TallyRow.feed))) == SIGHTINGS + final


def _fold(world: ReviewWorld, event: Event) -> None:
    while True:
        try:
            world.folding.handle(event)
        except RetryableError:
            # Somebody else folds the same at this moment; the runtime waits and comes again.
            continue
        return
