from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.detection.faces import Box, FoundFace, without_repeats
from homeward.shared.vision.alignment import Landmarks

MakeFace = Callable[..., FoundFace]

_MARKS = Landmarks((0, 0), (1, 0), (0.5, 0.5), (0.5, 1))

_FACES = st.lists(
    st.builds(
        lambda left, top, size, score: FoundFace(Box(left, top, size, size), score, _MARKS, size),
        st.floats(0, 300),
        st.floats(0, 300),
        st.floats(10, 120),
        st.floats(0, 1),
    ),
    max_size=12,
)


def _found(left: float, top: float, size: float, score: float) -> FoundFace:
    return FoundFace(Box(left, top, size, size), score, _MARKS, size)


def test_the_surer_of_two_finds_of_one_face_is_kept() -> None:
    weak, sure = _found(0, 0, 50, 0.6), _found(5, 4, 52, 0.9)
    assert without_repeats([weak, sure]) == [sure]


def test_a_cut_off_find_within_a_whole_one_is_the_same_face() -> None:
    whole, part = _found(0, 0, 100, 0.9), _found(10, 50, 40, 0.8)
    assert without_repeats([part, whole]) == [whole]


def test_neighbours_are_two_faces() -> None:
    assert len(without_repeats([_found(0, 0, 50, 0.9), _found(45, 0, 50, 0.9)])) == 2


@settings(deadline=None)
@given(_FACES)
def test_what_is_kept_does_not_change_when_asked_again(faces: list[FoundFace]) -> None:
    kept = without_repeats(faces)
    assert without_repeats(reversed(kept)) == kept
    assert [face.score for face in kept] == sorted((face.score for face in kept), reverse=True)


@settings(deadline=None)
@given(_FACES)
def test_nothing_apart_from_all_others_is_lost(faces: list[FoundFace]) -> None:
    kept = without_repeats(faces)
    for face in faces:
        if all(face is other or face.box.common_area(other.box) == 0 for other in faces):
            assert face in kept


def test_a_face_that_turns_aside_is_as_wide_from_the_front(make_face: MakeFace) -> None:
    face = make_face(100, 100, 64)
    assert face.frontal_width_px == pytest.approx(64, rel=0.05)
    assert replace(face, width_px=20).frontal_width_px == pytest.approx(64, rel=0.05)
    assert replace(face, width_px=90).frontal_width_px == 90
