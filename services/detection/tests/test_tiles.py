from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.detection.tiles import Level, Tile, plan_levels

_INPUT = 192
_SIZES = st.integers(64, 2600)
_LEAST = st.integers(16, 200)


def _plan(width: int, height: int, least: int) -> tuple[Level, ...]:
    return plan_levels(width, height, input_px=_INPUT, needed_px=16, least_face_px=least)


@settings(deadline=None)
@given(_SIZES, _SIZES, _LEAST)
def test_the_whole_frame_is_covered_by_tiles_that_fit_the_input(width: int, height: int, least: int) -> None:
    for level in _plan(width, height, least):
        covered = np.zeros((level.height, level.width), dtype=bool)
        for tile in level.tiles:
            assert 0 < tile.width <= _INPUT
            assert 0 < tile.height <= _INPUT
            assert 0 <= tile.left <= tile.left + tile.width <= level.width
            assert 0 <= tile.top <= tile.top + tile.height <= level.height
            covered[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width] = True
        assert covered.all()


@given(_SIZES, _SIZES, _LEAST)
def test_the_whole_frame_comes_first_in_one_tile(width: int, height: int, least: int) -> None:
    assert len(_plan(width, height, least)[0].tiles) == 1


@given(_SIZES, _LEAST)
def test_neighbours_repeat_enough_for_a_face_between_two_levels(width: int, least: int) -> None:
    for level in _plan(width, 100, least):
        starts = [tile.left for tile in level.tiles]
        for one, other in pairwise(starts):
            # A box of a face of 32 px, which is 16 px at the next size, is 38 px wide.
            assert one + _INPUT - other >= 38 + 2 * 2


@given(st.integers(400, 2600), st.integers(400, 2600), st.integers(16, 60))
def test_every_face_from_the_least_on_is_large_enough_at_some_level(width: int, height: int, least: int) -> None:
    scales = [level.scale for level in _plan(width, height, least)]
    for face in range(least, min(width, height) // 2, 7):
        # The input shows it 11 px wide or more, and not larger than half of it.
        assert any(11 <= face * scale <= 96 for scale in scales), (face, scales)


def test_an_area_the_size_of_a_person_needs_one_look() -> None:
    (level,) = _plan(380, 420, 32)
    assert len(level.tiles) == 1
    assert level.scale > 0.45


def test_the_plan_of_a_small_frame_is_itself() -> None:
    assert _plan(160, 120, 32) == (Level(1.0, 160, 120, (Tile(0, 0, 160, 120),)),)
