import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from homeward.detection.patches import Patch


def _texture(seed: int) -> NDArray[np.uint8]:
    """Return detail of about 6 px, as eyes and mouth have in a face of 60 px."""
    noise = np.random.default_rng(seed).normal(0, 1, (360, 640))
    smooth = cv2.GaussianBlur(noise, (0, 0), 5)
    return np.asarray(np.clip(128 + 50 * smooth / smooth.std(), 0, 255), dtype=np.uint8)


_SCENE = _texture(2)


def _shifted(by_x: int, by_y: int) -> NDArray[np.uint8]:
    return np.roll(_SCENE, (by_y, by_x), axis=(0, 1))


@settings(max_examples=40, deadline=None)
@given(st.integers(-30, 30), st.integers(-30, 30), st.floats(36, 90))
def test_a_patch_is_found_where_it_went(by_x: int, by_y: int, width: float) -> None:
    patch = Patch.cut(_SCENE, (320, 180), width)
    assert patch is not None
    found = patch.find(_shifted(by_x, by_y), (320, 180))
    if max(abs(by_x), abs(by_y)) <= 0.7 * width:
        assert found is not None
        assert abs(found[0] - 320 - by_x) <= width / 16
        assert abs(found[1] - 180 - by_y) <= width / 16


def test_another_scene_does_not_hold_it() -> None:
    patch = Patch.cut(_SCENE, (320, 180), 60)
    assert patch is not None
    assert patch.find(_texture(9), (320, 180)) is None


def test_nothing_is_cut_from_a_flat_wall_or_beyond_the_frame() -> None:
    assert Patch.cut(np.full((360, 640), 90, np.uint8), (320, 180), 60) is None
    assert Patch.cut(_SCENE, (700, 180), 60) is None


def test_a_patch_at_the_edge_can_be_cut_and_found() -> None:
    patch = Patch.cut(_SCENE, (5, 5), 60)
    assert patch is not None
    assert patch.find(_SCENE, (5, 5)) is not None
    assert patch.find(_SCENE, (-5, 5)) is None
