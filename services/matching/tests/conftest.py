"""A world of its own for each test, on Qdrant's local mode in memory."""

from collections.abc import Iterator

import pytest

from homeward.matching.adapters.qdrant import QdrantSubjects
from support.matching import World


@pytest.fixture
def subjects() -> Iterator[QdrantSubjects]:
    store = QdrantSubjects.in_memory()
    yield store
    store.close()


@pytest.fixture
def world(subjects: QdrantSubjects) -> World:
    return World(subjects)
