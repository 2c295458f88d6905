from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from homeward.detection.adapters.area_finder import AreaFinder
from homeward.detection.faces import Box, FoundFace
from homeward.detection.motion import CELL_PX, Activity
from homeward.shared.vision.alignment import Landmarks

Picture = NDArray[np.uint8]


class _Squares:
    """Finds white squares on black, as a network would: the whole of each part, and how large the parts were."""

    def __init__(self, score: Callable[[float], float] = lambda _: 0.9) -> None:
        self.score = score
        self.parts: list[tuple[int, int]] = []

    def faces(self, picture: Picture, least_score: float) -> list[FoundFace]:
        self.parts.append((picture.shape[1], picture.shape[0]))
        rows, columns = np.nonzero(picture[:, :, 0] > 128)
        if not rows.size:
            return []
        left, right, top, bottom = columns.min(), columns.max() + 1, rows.min(), rows.max() + 1
        x, y, width = (left + right - 1) / 2, (top + bottom - 1) / 2, float(right - left)
        marks = Landmarks((x - width / 4, y), (x + width / 4, y), (x, y), (x, y + width / 4))
        score = self.score(width)
        face = FoundFace(Box(float(left), float(top), width, float(bottom - top)), score, marks, width)
        return [face] if score >= least_score else []


def _frame(left: int = 304, top: int = 200, side: int = 48) -> Picture:
    picture = np.zeros((720, 1280, 3), dtype=np.uint8)
    picture[top : top + side, left : left + side] = 255
    return picture


def _finder(network: _Squares, *, least_face_px: int = 24, least_score: float = 0.5) -> AreaFinder:
    return AreaFinder(
        network, name="squares", sha256="0" * 64, least_score=least_score, least_face_px=least_face_px, needed_px=12
    )


def _cells(left: int, top: int, right: int, bottom: int) -> Activity:
    cells = np.zeros((720 // CELL_PX, 1280 // CELL_PX), dtype=np.bool_)
    cells[top // CELL_PX : bottom // CELL_PX, left // CELL_PX : right // CELL_PX] = True
    return Activity(cells)


def test_a_face_is_told_where_it_is_in_the_frame() -> None:
    (face,) = _finder(_Squares()).find(_frame(), Activity.everywhere(1280, 720))
    assert (face.box.left, face.box.top, face.box.width, face.box.height) == pytest.approx((304, 200, 48, 48), abs=1.2)
    assert face.landmarks.nose == pytest.approx((327.5, 223.5), abs=0.6)
    assert face.width_px == pytest.approx(48, abs=1.2)


def test_nothing_is_looked_at_where_nothing_changed() -> None:
    network = _Squares()
    assert _finder(network).find(_frame(), _cells(0, 0, 0, 0)) == []
    assert network.parts == []


def test_only_what_changed_and_its_surroundings_are_looked_at() -> None:
    network = _Squares()
    assert _finder(network).find(_frame(), _cells(800, 400, 880, 480)) == []
    # 80 px and 24 on each side, at half the size.
    assert network.parts == [(64, 64)]


def test_a_face_of_which_a_part_changed_is_seen_whole_from_near() -> None:
    (face,) = _finder(_Squares()).find(_frame(side=96), _cells(376, 200, 440, 296))
    assert face.box.width == pytest.approx(96, abs=2)


@pytest.mark.parametrize(("least_face_px", "width"), [(12, 1280), (24, 640), (48, 320)])
def test_the_least_face_says_how_far_the_frame_is_shrunk(least_face_px: int, width: int) -> None:
    network = _Squares()
    _finder(network, least_face_px=least_face_px).find(_frame(), Activity.everywhere(1280, 720))
    assert network.parts[0][0] == width


def test_what_looks_like_a_face_from_afar_alone_is_dropped() -> None:
    assert (
        _finder(_Squares(lambda width: 0.9 if width < 30 else 0.2)).find(_frame(), Activity.everywhere(1280, 720)) == []
    )


def test_a_doubt_from_afar_is_settled_from_near() -> None:
    (face,) = _finder(_Squares(lambda width: 0.4 if width < 30 else 0.9)).find(_frame(), Activity.everywhere(1280, 720))
    assert face.score == 0.9


@pytest.mark.parametrize("corner", [(0, 0), (1232, 0), (0, 672), (1232, 672)])
def test_a_face_in_a_corner_of_the_frame_is_found(corner: tuple[int, int]) -> None:
    (face,) = _finder(_Squares()).find(_frame(*corner), Activity.everywhere(1280, 720))
    assert (face.box.left, face.box.top) == pytest.approx(corner, abs=1.2)


def test_a_frame_smaller_than_a_close_look_is_searched() -> None:
    picture = np.zeros((64, 64, 3), dtype=np.uint8)
    picture[20:44, 20:44] = 255
    (face,) = _finder(_Squares()).find(picture, Activity.everywhere(64, 64))
    assert face.box.width == pytest.approx(24, abs=1.5)
