"""One running Homeward with a few people's faces on record, for the tests of the invariants."""

from collections.abc import Iterator

import pytest

from support.world import World, recorded_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Five people, each once past each of two cameras."""
    with recorded_world(tmp_path_factory.mktemp("world"), people=5, cameras=2) as recorded:
        yield recorded
