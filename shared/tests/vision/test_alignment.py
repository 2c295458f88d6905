import cmath
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.shared.vision.alignment import (
    CANVAS_PX,
    FACE_PX,
    AlignmentError,
    Landmarks,
    align,
    inner,
    similarity,
)

TEMPLATE = Landmarks((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (56.1396, 92.2848))


def moved(landmarks: Landmarks, turn: complex, shift: complex) -> Landmarks:
    points = (landmarks.right_eye, landmarks.left_eye, landmarks.nose, landmarks.mouth)
    right, left, nose, mouth = (complex(*point) * turn + shift for point in points)
    return Landmarks((right.real, right.imag), (left.real, left.imag), (nose.real, nose.imag), (mouth.real, mouth.imag))


def test_the_template_itself_lands_in_the_middle_of_the_canvas() -> None:
    margin = (CANVAS_PX - FACE_PX) / 2
    assert similarity(TEMPLATE) == pytest.approx(np.array([[1, 0, margin], [0, 1, margin]]), abs=1e-9)


@settings(deadline=None)  # a busy machine is no failure
@given(
    angle=st.floats(-math.pi, math.pi),
    scale=st.floats(0.1, 20),
    x=st.floats(-3000, 3000),
    y=st.floats(-3000, 3000),
)
def test_a_face_turned_scaled_and_shifted_lands_in_the_same_place(
    angle: float, scale: float, x: float, y: float
) -> None:
    landmarks = moved(TEMPLATE, cmath.rect(scale, angle), complex(x, y))
    matrix = similarity(landmarks)
    point = matrix @ np.array([*landmarks.nose, 1])
    assert point == pytest.approx(np.array(TEMPLATE.nose) + 32, abs=1e-5)
    assert np.linalg.det(matrix[:, :2]) > 0


def test_a_mirrored_face_is_not_mirrored_back() -> None:
    mirrored = Landmarks(TEMPLATE.left_eye, TEMPLATE.right_eye, TEMPLATE.nose, TEMPLATE.mouth)
    assert np.linalg.det(similarity(mirrored)[:, :2]) > 0


@pytest.mark.parametrize("point", [(5.0, 5.0), (math.nan, 1.0), (math.inf, 1.0)])
def test_points_that_are_no_face_are_refused(point: tuple[float, float]) -> None:
    with pytest.raises(AlignmentError):
        similarity(Landmarks(point, point, point, point))


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.7, 4.0, 9.3])
def test_a_pixel_of_the_frame_is_found_where_the_matrix_says(scale: float) -> None:
    landmarks = moved(TEMPLATE, complex(scale, 0), complex(40, 30))
    frame = np.zeros((int(60 + 120 * scale), int(80 + 120 * scale), 3), dtype=np.uint8)
    radius = max(2, round(3 * scale))
    x, y = (round(value) for value in landmarks.nose)
    frame[y - radius : y + radius + 1, x - radius : x + radius + 1] = (255, 0, 0)
    canvas = align(frame, landmarks)
    assert canvas.shape == (CANVAS_PX, CANVAS_PX, 3)
    red = canvas[:, :, 0].astype(float)
    rows, columns = np.mgrid[0:CANVAS_PX, 0:CANVAS_PX]
    centre = (columns * red).sum() / red.sum(), (rows * red).sum() / red.sum()
    expected = similarity(landmarks) @ np.array([x, y, 1])
    assert centre == pytest.approx(tuple(expected), abs=0.15)
    assert canvas[:, :, 1:].max() == 0


def test_a_large_face_keeps_no_jagged_edges() -> None:
    frame = np.zeros((1400, 1400, 3), dtype=np.uint8)
    frame[::2] = 255  # finer than the canvas can show: it must come out grey
    canvas = align(frame, moved(TEMPLATE, complex(8, 0), complex(200, 200)))
    assert np.abs(inner(canvas).astype(int) - 127).max() <= 8


def test_what_lies_beyond_the_frame_is_black() -> None:
    frame = np.full((112, 112, 3), 200, dtype=np.uint8)
    canvas = align(frame, TEMPLATE)
    assert canvas[:32].max() == 0
    assert inner(canvas).min() == 200


def test_a_face_wholly_beyond_the_frame_is_black() -> None:
    frame = np.full((50, 50, 3), 200, dtype=np.uint8)
    assert align(frame, moved(TEMPLATE, complex(6, 0), complex(5000, -5000))).max() == 0


def test_inner_is_the_middle_and_refuses_another_size() -> None:
    canvas = np.zeros((CANVAS_PX, CANVAS_PX, 3), dtype=np.uint8)
    canvas[32:144, 32:144] = 1
    assert inner(canvas).shape == (FACE_PX, FACE_PX, 3)
    assert inner(canvas).min() == 1
    with pytest.raises(ValueError, match="176x176x3"):
        inner(canvas[:-1])
