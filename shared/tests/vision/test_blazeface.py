import numpy as np
import pytest
from numpy.typing import NDArray

from homeward.shared.vision.blazeface import ANCHORS, INPUT_PX, Letterbox, decode, letterbox, overlap

PLAIN = Letterbox(1.0, 0, 0)
Raw = tuple[NDArray[np.float32], NDArray[np.float32]]


def nothing() -> Raw:
    return np.zeros((1, ANCHORS, 16), np.float32), np.full((1, ANCHORS, 1), -100, np.float32)


def put(raw: Raw, row: int, column: int, score: float, size: float = 40) -> None:
    regressors, scores = raw
    anchor = row * 48 + column
    regressors[0, anchor] = [0, 0, size, size, -8, -6, 8, -6, 0, 2, 0, 10, 0, 0, 0, 0]
    scores[0, anchor, 0] = score


def test_nothing_sure_is_nothing_found() -> None:
    assert decode(*nothing(), PLAIN, 0.5) == []


def test_a_face_stands_where_its_anchor_is() -> None:
    raw = nothing()
    put(raw, row=10, column=20, score=3.0)
    (face,) = decode(*raw, PLAIN, 0.5)
    assert (face.left_px, face.top_px) == pytest.approx((82 - 20, 42 - 20))
    assert (face.width_px, face.height_px) == pytest.approx((40, 40))
    assert face.score == pytest.approx(1 / (1 + np.exp(-3.0)))
    # Landmarks count from the centre of the first pixel, half a pixel further in than the box.
    assert face.landmarks.right_eye == pytest.approx((82 - 8 - 0.5, 42 - 6 - 0.5))
    assert face.landmarks.mouth == pytest.approx((82 - 0.5, 42 + 10 - 0.5))


def test_the_letterbox_is_undone() -> None:
    raw = nothing()
    put(raw, row=10, column=20, score=3.0)
    (face,) = decode(*raw, Letterbox(0.25, 0, 24), 0.5)
    assert (face.left_px, face.top_px) == pytest.approx(((82 - 20) / 0.25, (42 - 20 - 24) / 0.25))
    assert face.width_px == pytest.approx(160)


def test_one_face_seen_by_several_anchors_is_one_face_weighted_by_score() -> None:
    raw = nothing()
    put(raw, 10, 20, 2.0)
    put(raw, 10, 21, 2.0)
    put(raw, 40, 40, 1.0)
    near, far = decode(*raw, PLAIN, 0.5)
    assert near.left_px == pytest.approx(84 - 20)
    assert near.score > far.score


def test_a_box_without_size_is_no_face() -> None:
    raw = nothing()
    put(raw, 10, 20, 5.0, size=-3)
    assert decode(*raw, PLAIN, 0.5) == []


def test_overlap_is_the_share_of_the_union() -> None:
    box = np.array([0.0, 0, 10, 10])
    assert overlap(box, np.array([[0.0, 0, 10, 10], [5, 0, 10, 10], [20, 20, 5, 5]])) == pytest.approx([1, 1 / 3, 0])


@pytest.mark.parametrize(("height", "width"), [(100, 300), (300, 100), (192, 192), (1080, 1920)])
def test_a_picture_is_laid_whole_into_the_middle(height: int, width: int) -> None:
    square, laid = letterbox(np.full((height, width, 3), 255, np.uint8))
    assert square.shape == (1, INPUT_PX, INPUT_PX, 3)
    assert square.max() == pytest.approx(1)
    rows = np.flatnonzero((square[0, :, :, 0] > 0).any(axis=1))
    assert rows[0] == laid.shift_y_px
    assert len(rows) == pytest.approx(height * laid.scale, abs=1)
    assert max(height, width) * laid.scale == pytest.approx(INPUT_PX)
