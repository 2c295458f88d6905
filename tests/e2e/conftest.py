"""Recorded worlds for the tests of this folder: to record one takes the longest."""

from collections.abc import Iterator

import pytest

from support.world import World, recorded_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Eight people, each once past each of two cameras."""
    with recorded_world(tmp_path_factory.mktemp("world"), people=8, cameras=2) as recorded:
        yield recorded


@pytest.fixture(scope="session")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Twenty people, each once past each of three cameras."""
    with recorded_world(tmp_path_factory.mktemp("crowd"), people=20, cameras=3) as recorded:
        yield recorded
