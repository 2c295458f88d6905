"""Twenty people walk past three cameras; each is looked for by another photo than the one they walk with."""

import pytest

from support.world import World

# Each search takes tens of seconds of two cores: a few for every change, the rest in the slow lane.
SUBJECTS = [0, 1, *(pytest.param(number, marks=pytest.mark.slow) for number in range(2, 10))]
STRANGERS = [0, *(pytest.param(number, marks=pytest.mark.slow) for number in range(1, 4))]


def test_nobody_was_embedded_while_nobody_was_looked_for(world: World) -> None:
    assert world.searched.faces >= 60
    assert world.pipeline.operator.templates_at_rest() == 0


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_subject_is_found_and_nobody_else_comes_first(world: World, subject: int) -> None:
    person_id = world.people[subject]
    found = world.search(person_id)
    score = world.judge(found, person_id)
    assert score.appearances == 3
    assert score.recall >= 0.9, f"missed {score.missed}"
    right = sum(judged.appearance is not None and judged.appearance.person_id == person_id for judged in score.judged)
    assert not score.wrong_among_first(right), f"rank {score.first_wrong_rank} shows somebody else"
    assert len({sighting.sighting_id for sighting in found.sightings}) == len(found.sightings)


@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_stranger_finds_nobody(world: World, stranger: int) -> None:
    found = world.search(world.strangers[stranger])
    assert found.progress.faces_compared >= 60
    assert found.sightings == []
