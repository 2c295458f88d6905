import math
from collections.abc import Callable

import cv2
import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from homeward.detection.faces import Box, FoundFace
from homeward.detection.quality import frontality, geometry_quality, quality, sharpness
from homeward.shared.vision.alignment import Landmarks

MakeFace = Callable[..., FoundFace]
_POINTS = st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))


def _marks(nose_off: float = 0.0, eyes: float = 1.0, turn: float = 0.0) -> Landmarks:
    """Landmarks of a face of 100 px: the nose off the centre, the eyes drawn together, all turned by radians."""
    points = [-21 * eyes - 12j, 21 * eyes - 12j, 42 * nose_off + 10j, 37j]
    spun = [point * complex(math.cos(turn), math.sin(turn)) + 200 + 200j for point in points]
    return Landmarks(*((point.real, point.imag) for point in spun))


def _sharp() -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (112, 112, 3), dtype=np.uint8)


def test_a_frontal_face_is_frontal_however_it_is_turned() -> None:
    assert frontality(_marks()) > 0.95
    assert abs(frontality(_marks(turn=0.6)) - frontality(_marks())) < 1e-6


def test_a_turned_head_is_worse_and_a_profile_is_worst() -> None:
    straight, half, profile = (frontality(_marks(off, eyes)) for off, eyes in ((0, 1), (0.3, 0.8), (0.6, 0.3)))
    assert straight > half > profile
    assert profile < 0.1


def test_a_face_upside_down_in_its_own_frame_is_none() -> None:
    marks = _marks()
    assert frontality(Landmarks(marks.left_eye, marks.right_eye, marks.nose, marks.mouth)) == 0


@settings(deadline=None)
@example((2.5e-300, 0.0), (0.0, 1.5e-241), (0.0, 1.0), (0.0, 0.0))
@given(_POINTS, _POINTS, _POINTS, _POINTS)
def test_no_landmarks_give_a_figure_outside_0_to_1(
    a: tuple[float, float], b: tuple[float, float], c: tuple[float, float], d: tuple[float, float]
) -> None:
    assert 0 <= frontality(Landmarks(a, b, c, d)) <= 1


@settings(deadline=None)
@given(st.floats(1, 500), st.floats(1, 500), st.floats(0, 1))
def test_a_wider_face_is_never_worse(one: float, other: float, score: float) -> None:
    narrow, wide = (
        geometry_quality(FoundFace(Box(0, 0, width, width), score, _marks(), width)) for width in sorted((one, other))
    )
    assert 0 <= narrow <= wide <= 1


def test_the_pixels_can_only_lower_the_quality(make_face: MakeFace) -> None:
    face = make_face(100, 100, 90)
    blurred = np.asarray(cv2.GaussianBlur(_sharp(), (0, 0), 4), dtype=np.uint8)
    assert quality(face, blurred) < quality(face, _sharp()) <= geometry_quality(face)


def test_blur_lowers_sharpness_step_by_step() -> None:
    figures = [sharpness(np.asarray(cv2.GaussianBlur(_sharp(), (0, 0), sigma), dtype=np.uint8)) for sigma in (2, 4, 8)]
    assert figures == sorted(figures, reverse=True)
    assert sharpness(np.full((112, 112, 3), 90, dtype=np.uint8)) == 0


def test_a_face_too_small_to_compare_is_worth_nothing(make_face: MakeFace) -> None:
    assert geometry_quality(make_face(50, 50, 12)) == 0
    assert geometry_quality(make_face(50, 50, 60, score=0.2)) == 0
