from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.embedding.answers import Reason, RefusedError
from homeward.embedding.photo import LONGEST_SIDE_PX, choose, find_faces, sharpness, subject_face
from homeward.shared.vision.alignment import Landmarks
from homeward.shared.vision.blazeface import FoundFace
from support.embedding import Marks, marked, plain_face


def reason_of(faces: list[FoundFace], size: int = 1000) -> Reason | None:
    try:
        choose(faces, size, size)
    except RefusedError as refused:
        return refused.reason
    return None


def test_one_face_is_the_subjects() -> None:
    face = plain_face(100, 100, 200)
    assert choose([face], 1000, 1000) is face


def test_nobody_is_nobody() -> None:
    assert reason_of([]) is Reason.NO_FACE


def test_a_face_behind_is_passed_over_and_one_beside_is_not() -> None:
    subject = plain_face(100, 100, 200)
    assert reason_of([subject, plain_face(500, 100, 79)]) is None
    assert reason_of([subject, plain_face(500, 100, 80)]) is Reason.SEVERAL_FACES


def test_an_unsure_companion_is_none() -> None:
    assert reason_of([plain_face(100, 100, 200), plain_face(500, 100, 200, score=0.7)]) is None


@pytest.mark.parametrize(
    "face",
    [
        plain_face(100, 100, 39.9),
        plain_face(100, 100, 200, score=0.74),
        plain_face(-80, 100, 200),
        plain_face(900, 100, 200),
        replace(plain_face(100, 100, 200), landmarks=Landmarks((160, 170), (240, 170), (225, 210), (200, 250))),
        replace(plain_face(100, 100, 200), landmarks=Landmarks((160, 170), (160, 170), (200, 210), (200, 250))),
    ],
    ids=["small", "unsure", "cut off left", "cut off right", "turned away", "no eyes"],
)
def test_a_face_that_cannot_be_compared_is_poor(face: FoundFace) -> None:
    assert reason_of([face]) is Reason.POOR_FACE


def test_a_large_face_is_found_without_looking_closer() -> None:
    finder = Marks()
    (face,) = find_faces(marked(500, 500, (100, 100, 200)), finder)
    assert face.width_px == 200
    assert finder.shown == [(500, 500)]


def test_a_small_face_is_found_from_closer_by_and_stands_where_it_is() -> None:
    (face,) = find_faces(marked(1080, 1920, (1703, 901, 50)), Marks(least_share=0.09))
    assert (face.left_px, face.top_px, face.width_px) == (1703, 901, 50)
    assert face.landmarks.right_eye == pytest.approx((1703 + 15, 901 + 17.5))


@settings(deadline=None)  # a busy machine is no failure
@given(left=st.integers(0, 740), top=st.integers(0, 540))
def test_a_small_face_is_found_wherever_it_is(left: int, top: int) -> None:
    (face,) = find_faces(marked(600, 800, (left, top, 60)), Marks(least_share=0.14))
    assert (face.left_px, face.top_px) == (left, top)


def test_a_face_that_fills_the_photo_is_found_from_further_away() -> None:
    (face,) = find_faces(marked(300, 300, (20, 20, 260)), Marks())
    assert (face.left_px, face.top_px, face.width_px) == (20, 20, 260)


def test_a_huge_photo_is_made_smaller_first() -> None:
    finder = Marks()
    with pytest.raises(RefusedError):
        subject_face(marked(3000, 6000), finder)
    assert max(max(size) for size in finder.shown[:1]) == LONGEST_SIDE_PX


def test_a_face_without_detail_is_poor() -> None:
    with pytest.raises(RefusedError) as caught:
        subject_face(marked(500, 500, (100, 100, 200), detail=False), Marks())
    assert caught.value.reason is Reason.POOR_FACE


def test_detail_is_measured() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (112, 112, 3)).astype(np.uint8)
    assert sharpness(noise) > 1000
    assert sharpness(np.full((112, 112, 3), 9, np.uint8)) == 0
