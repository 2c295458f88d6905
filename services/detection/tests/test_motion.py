import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from homeward.detection.faces import Box
from homeward.detection.motion import CELL_PX, Activity, MotionGate

_HEIGHT, _WIDTH = 360, 640
Luma = NDArray[np.uint8]


def _touches(activity: Activity, left: float, top: float, right: float, bottom: float) -> bool:
    return bool(activity._part(left, top, right, bottom).any())


@pytest.fixture
def gate() -> MotionGate:
    return MotionGate(threshold=8, memory_s=60)


@pytest.fixture
def scene() -> Luma:
    return np.random.default_rng(3).integers(40, 200, (_HEIGHT, _WIDTH)).astype(np.uint8)


def _with_person(scene: Luma, left: int) -> Luma:
    picture = scene.copy()
    picture[120:240, left : left + 40] = 230
    return picture


def test_the_first_frame_is_searched_everywhere(gate: MotionGate, scene: Luma) -> None:
    assert gate.look(scene, 0).cells.all()


def test_a_still_scene_with_noise_is_passed_over(gate: MotionGate, scene: Luma) -> None:
    dice = np.random.default_rng(4)
    gate.look(scene, 0)
    for index in range(1, 40):
        noisy = np.clip(scene + dice.normal(0, 4, scene.shape), 0, 255).astype(np.uint8)
        assert not gate.look(noisy, index / 4).any


@settings(deadline=None)
@given(st.integers(0, _WIDTH - 40))
def test_a_person_who_moved_is_where_the_activity_is(left: int) -> None:
    gate = MotionGate(threshold=8, memory_s=60)
    gate.look(np.full((_HEIGHT, _WIDTH), 100, np.uint8), 0)
    activity = gate.look(_with_person(np.full((_HEIGHT, _WIDTH), 100, np.uint8), left), 0.25)
    assert _touches(activity, left, 120, left + 40, 240)
    # Two squares around it at the most.
    reach = 3 * CELL_PX
    assert not _touches(activity, left + 40 + reach, 0, _WIDTH, _HEIGHT) or left + 40 + reach >= _WIDTH
    assert not _touches(activity, 0, 0, max(0, left - reach), _HEIGHT)


@pytest.mark.parametrize("height", [360, 356, 363])
@pytest.mark.parametrize("width", [640, 636, 645])
def test_squares_lie_where_they_are_in_the_picture_whatever_its_size(height: int, width: int) -> None:
    gate = MotionGate(threshold=8, memory_s=60)
    scene = np.full((height, width), 100, np.uint8)
    gate.look(scene, 0)
    # A face of 24 px that differs from what was there by a little more than the threshold.
    left, top = width - 48, height - 48
    scene[top : top + 24, left : left + 24] += 12
    activity = gate.look(scene, 0.25)
    assert activity.cells.shape == (-(-height // CELL_PX), -(-width // CELL_PX))
    assert _touches(activity, left + 8, top + 8, left + 16, top + 16)
    assert not _touches(activity, 0, 0, left - 3 * CELL_PX, height)
    assert not _touches(activity, 0, 0, width, top - 3 * CELL_PX)


def test_a_person_who_stops_is_not_lost_within_a_clip(gate: MotionGate, scene: Luma) -> None:
    gate.look(scene, 0)
    for index in range(1, 60):
        activity = gate.look(_with_person(scene, 300), index / 4)
        assert _touches(activity, 300, 120, 340, 240), index


def test_light_that_changes_everywhere_is_no_motion(gate: MotionGate, scene: Luma) -> None:
    gate.look(scene, 0)
    assert not gate.look(scene + 30, 0.25).any


def test_the_background_takes_over_what_stays_for_long(scene: Luma) -> None:
    gate = MotionGate(threshold=8, memory_s=2)
    gate.look(scene, 0)
    person = _with_person(scene, 300)
    assert gate.look(person, 1).any
    for second in range(2, 40):
        gate.look(person, second)
    assert not gate.look(person, 40).any


def test_another_size_begins_anew(gate: MotionGate, scene: Luma) -> None:
    gate.look(scene, 0)
    assert gate.look(scene[:180, :320], 0.25).cells.all()


def test_the_surroundings_of_faces_are_searched_again() -> None:
    nothing = Activity(np.zeros((45, 80), dtype=np.bool_))
    around = nothing.around([Box(300, 100, 40, 40)])
    assert _touches(around, 300, 100, 340, 140)
    assert _touches(around, 245, 100, 250, 140)
    assert not _touches(around, 0, 0, 200, 360)
    assert not nothing.any


@settings(deadline=None)
@given(st.floats(-500, 1500), st.floats(-500, 1500), st.floats(1, 400))
def test_a_face_beyond_the_edge_asks_for_nothing_impossible(left: float, top: float, size: float) -> None:
    nothing = Activity(np.zeros((45, 80), dtype=np.bool_))
    around = nothing.around([Box(left, top, size, size)])
    inside = left + size > 0 and top + size > 0 and left < _WIDTH and top < _HEIGHT
    assert around.any or not inside


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 44), st.integers(0, 79)), max_size=20))
def test_areas_hold_all_activity_and_keep_apart(squares: list[tuple[int, int]]) -> None:
    cells = np.zeros((45, 80), dtype=np.bool_)
    for row, column in squares:
        cells[row, column] = True
    areas = Activity(cells).areas()
    for row, column in squares:
        square = Box(column * CELL_PX, row * CELL_PX, CELL_PX, CELL_PX)
        assert any(area.common_area(square) == square.area for area in areas)
    for index, one in enumerate(areas):
        assert all(one.common_area(other) == 0 for other in areas[index + 1 :])


def test_everything_is_one_area() -> None:
    assert Activity.everywhere(640, 360).areas() == [Box(0, 0, 640, 360)]
