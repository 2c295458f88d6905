"""People walk past cameras; each is looked for by another photo than the one they walk with."""

import pytest

from support.world import World


def _find(world: World, subject: int) -> None:
    """Assert that the person is found on every camera, with nobody else before them."""
    person_id = world.people[subject]
    found = world.search(person_id)
    score = world.judge(found, person_id)
    assert score.appearances == len(world.scene.videos)
    assert score.recall >= 0.9, f"missed {score.missed}"
    right = sum(judged.appearance is not None and judged.appearance.person_id == person_id for judged in score.judged)
    assert not score.wrong_among_first(right), f"rank {score.first_wrong_rank} shows somebody else"
    assert len({sighting.sighting_id for sighting in found.sightings}) == len(found.sightings)


def _find_nobody(world: World, stranger: int) -> None:
    """Assert that whoever did not walk there is seen nowhere, although every walker was compared."""
    found = world.search(world.strangers[stranger])
    assert found.progress.faces_compared >= len(world.people) * len(world.scene.videos)
    assert found.sightings == []


def test_nobody_was_embedded_while_nobody_was_looked_for(world: World) -> None:
    assert world.searched.faces >= len(world.people) * len(world.scene.videos)
    assert world.pipeline.operator.templates_at_rest() == 0


@pytest.mark.parametrize("subject", [0, 1])
def test_the_subject_is_found_and_nobody_else_comes_first(world: World, subject: int) -> None:
    _find(world, subject)


def test_a_stranger_finds_nobody(world: World) -> None:
    _find_nobody(world, 0)


@pytest.mark.slow
@pytest.mark.parametrize("subject", range(10))
def test_each_of_ten_is_found_among_twenty(crowd: World, subject: int) -> None:
    _find(crowd, subject)


@pytest.mark.slow
@pytest.mark.parametrize("stranger", range(4))
def test_strangers_find_nobody_among_twenty(crowd: World, stranger: int) -> None:
    _find_nobody(crowd, stranger)
