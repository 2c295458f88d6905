"""One recorded world for all tests of this folder that want it: to record it takes the longest."""

from collections.abc import Iterator

import pytest

from support.world import World, recorded_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Twenty people, each once past each of three cameras."""
    with recorded_world(tmp_path_factory.mktemp("world"), people=20, cameras=3) as recorded:
        yield recorded
