"""Of everybody who walks past, in faces of one width, so many appearances are found, and nobody else comes first."""

from pathlib import Path

import pytest

from support.world import recorded_world

PEOPLE = 10
CAMERAS = 3

# Three recordings and thirty searches, each of which compares the faces of everybody.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    ("face_width_px", "recall"), [((48.0, 120.0), 0.97), ((39.0, 41.0), 0.93), ((31.0, 33.0), 0.85)]
)
def test_everybody_is_found_and_nobody_else_comes_first(
    face_width_px: tuple[float, float], recall: float, tmp_path: Path
) -> None:
    with recorded_world(tmp_path, people=PEOPLE, cameras=CAMERAS, face_width_px=face_width_px) as world:
        tally = world.tally()
    assert tally.appearances == PEOPLE * CAMERAS
    assert tally.recall >= recall, tally.told()
    assert not tally.outranked
