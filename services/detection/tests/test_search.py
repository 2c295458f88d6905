from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from homeward.detection.faces import FoundFace
from homeward.detection.motion import Activity
from homeward.detection.ports import Frame
from homeward.detection.search import SearchRules, closer_looks, search_clip

MakeFace = Callable[..., FoundFace]
Picture = NDArray[np.uint8]

_RULES = SearchRules(
    interval_s=0.25,
    motion_threshold=8,
    motion_memory_s=60,
    longest_gap_s=0.8,
    least_quality=0.12,
    single_score=0.65,
    crops_per_face=3,
    ample_px=32,
)


def _touches(activity: Activity, left: float, top: float, right: float, bottom: float) -> bool:
    return bool(activity._part(left, top, right, bottom).any())


class _Finder:
    """Finds, in the n-th search, what it was told to."""

    name = "scripted"
    sha256 = "0" * 64

    def __init__(self, *answers: list[FoundFace]) -> None:
        self.answers = list(answers)
        self.asked: list[Activity] = []

    def find(self, picture: Picture, activity: Activity) -> list[FoundFace]:
        assert picture.ndim == 3
        self.asked.append(activity)
        return self.answers.pop(0) if self.answers else []

    def close(self) -> None:
        pass


def _frames(*pictures: Picture) -> Iterator[Frame]:
    for index, picture in enumerate(pictures):
        yield Frame(index / 4, due=True, luma=picture[:, :, 0], rgb=partial(np.asarray, picture))


def test_a_still_clip_is_searched_once_and_never_converted_again(texture: Picture) -> None:
    finder, converted = _Finder(), []

    def rgb() -> Picture:
        converted.append(1)
        return texture

    frames = (Frame(index / 4, due=True, luma=texture[:, :, 0], rgb=rgb) for index in range(40))
    searched = search_clip(frames, finder, _RULES)
    assert (searched.frames_sampled, searched.frames_still, len(converted)) == (1, 39, 1)


def test_the_first_frame_is_searched_everywhere(texture: Picture) -> None:
    finder = _Finder()
    search_clip(_frames(texture), finder, _RULES)
    assert finder.asked[0].cells.all()


def test_a_face_that_does_not_move_is_looked_for_again(make_face: MakeFace, texture: Picture) -> None:
    face = make_face(200, 150)
    finder = _Finder(*[[face]] * 5)
    searched = search_clip(_frames(*[texture] * 8), finder, _RULES)
    # Five times found, once looked for in vain, then left alone.
    assert (searched.frames_sampled, searched.frames_still) == (6, 2)
    assert [at_s for at_s, _ in searched.faces[0].appearances] == [0, 0.25, 0.5, 0.75, 1.0]
    assert not _touches(finder.asked[1], 500, 0, 640, 360)


def test_frames_between_samples_are_not_searched(texture: Picture) -> None:
    finder = _Finder()
    frames = [Frame(index / 16, due=index % 4 == 0, luma=texture[:, :, 0], rgb=lambda: texture) for index in range(9)]
    searched = search_clip(frames, finder, _RULES)
    assert searched.frames_sampled + searched.frames_still == 3


def test_a_poor_face_is_counted_and_no_picture_of_it_kept(make_face: MakeFace, texture: Picture) -> None:
    searched = search_clip(_frames(texture, texture), _Finder([make_face(200, 150, 14)], []), _RULES)
    assert len(searched.faces) == 1
    assert searched.faces[0].keeper.best() == []


def test_a_face_in_profile_is_counted_and_no_picture_of_it_kept(make_face: MakeFace, texture: Picture) -> None:
    frontal = make_face(200, 150, 80)
    marks = frontal.landmarks
    # The far eye has come close to the near one, and the nose lies beyond it.
    turned = replace(marks, left_eye=(marks.right_eye[0] + 6, marks.right_eye[1]), nose=(235.0, 158.0))
    searched = search_clip(_frames(texture), _Finder([replace(frontal, landmarks=turned)]), _RULES)
    assert len(searched.faces) == 1
    assert searched.faces[0].keeper.best() == []


def test_the_floor_is_the_settings(make_face: MakeFace, texture: Picture) -> None:
    faces = [make_face(200, 150, 60)]
    for floor, kept in ((0.0, 1), (1.0, 0)):
        searched = search_clip(_frames(texture), _Finder(faces), replace(_RULES, least_quality=floor))
        assert len(searched.faces[0].keeper.best()) == kept


def test_a_face_without_any_detail_is_not_kept(make_face: MakeFace) -> None:
    flat = np.full((360, 640, 3), 128, dtype=np.uint8)
    searched = search_clip(_frames(flat), _Finder([make_face(200, 150, 100)]), _RULES)
    assert searched.faces[0].keeper.best() == []


def test_a_doubtful_face_seen_once_does_not_count(make_face: MakeFace, texture: Picture) -> None:
    doubtful = make_face(200, 150, score=0.55)
    assert search_clip(_frames(texture, texture), _Finder([doubtful], []), _RULES).faces == []
    assert len(search_clip(_frames(texture, texture), _Finder([doubtful], [doubtful]), _RULES).faces) == 1


def test_faces_come_by_first_appearance(make_face: MakeFace, texture: Picture) -> None:
    late, early = make_face(500, 200), make_face(100, 100)
    searched = search_clip(_frames(texture, texture), _Finder([early], [late, early]), _RULES)
    assert [face.appearances[0][0] for face in searched.faces] == [0, 0.25]


@pytest.mark.parametrize("most", [1, 2])
def test_no_more_crops_than_asked_for(make_face: MakeFace, texture: Picture, most: int) -> None:
    finder = _Finder(*[[make_face(200, 150, 80)]] * 12)
    searched = search_clip(_frames(*[texture] * 12), finder, replace(_RULES, crops_per_face=most))
    assert [len(face.keeper.best()) for face in searched.faces] == [most]


def _looked_closer(texture: Picture, faces: list[list[FoundFace]], ample_px: float = 32) -> list[tuple[float, float]]:
    return closer_looks(search_clip(_frames(*[texture] * len(faces)), _Finder(*faces), _RULES).faces, ample_px)


def _turned(face: FoundFace) -> FoundFace:
    """The face seen from the side: the eyes are near one another, and as far from the mouth as before."""
    marks = face.landmarks
    middle = (marks.right_eye[0] + marks.left_eye[0]) / 2
    right, left = (middle + 0.3 * (x - middle) for x in (marks.right_eye[0], marks.left_eye[0]))
    turned = replace(marks, right_eye=(right, marks.right_eye[1]), left_eye=(left, marks.left_eye[1]))
    return replace(face, landmarks=turned, width_px=0.4 * face.width_px)


def test_a_face_that_looks_aside_is_worth_a_closer_look_about_its_best_moment(
    texture: Picture, make_face: MakeFace
) -> None:
    aside = _turned(make_face(200, 150, 64))
    windows = _looked_closer(texture, [[replace(aside, score=score)] for score in (0.66, 0.67, 0.9, 0.66, 0.67, 0.66)])
    assert windows == [(0.0, 1.5)]


def test_a_face_that_is_kept_or_too_small_is_not_looked_at_again(texture: Picture, make_face: MakeFace) -> None:
    aside = _turned(make_face(200, 150, 64))
    kept = make_face(200, 150, 64)
    assert _looked_closer(texture, [[kept], [replace(kept, score=0.31)]]) == []
    assert _looked_closer(texture, [[make_face(200, 150, 20)]] * 3) == []
    assert _looked_closer(texture, [[_turned(make_face(200, 150, 30))]] * 3) == []
    assert _looked_closer(texture, [[aside]] * 3, ample_px=4096) == []
