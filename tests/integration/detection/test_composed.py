"""Real models over clips with known truth."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from homeward.detection.motion import Activity
from homeward.shared.vision.alignment import align, inner
from homeward.shared.vision.jpeg import decode_picture
from homewardapi.face.v1.face_pb2 import DetectionOutcome
from support.data import portraits

_FAR_APART_S = 10
"""Key frames so far apart that every frame is decoded, and faces are looked for four times a second."""


def _features(canvas: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the brightness of eyes, nose and mouth in an aligned canvas."""
    return np.asarray(inner(canvas)[36:104, 28:84].mean(axis=2).ravel(), dtype=np.float64)


def _best_shift(canvas: NDArray[np.uint8], wanted: NDArray[np.float64]) -> tuple[float, int, int]:
    """Return how well the canvas fits at best, and by how many pixels it must be shifted for that."""
    return max(
        (float(np.corrcoef(_features(np.roll(canvas, (down, right), axis=(0, 1))), wanted)[0, 1]), down, right)
        for down in range(-8, 9)
        for right in range(-8, 9)
    )


@pytest.mark.parametrize(
    ("face_px", "size"),
    [
        (24, (640, 360)),
        (32, (640, 360)),
        (48, (640, 360)),
        (80, (640, 360)),
        (120, (640, 360)),
        (40, (1280, 720)),
        (64, (1280, 720)),
    ],
)
def test_a_walker_of_any_cctv_size_is_found_in_nearly_every_sample(
    world: Any, composer: Any, face_px: float, size: tuple[int, int]
) -> None:
    composed = composer([("005", face_px, size[0] * 0.25, size[1] * 0.45, size[0] * 0.15, 0)], size=size)
    answer = world.handle(composed, key_frame_interval_s=_FAR_APART_S)
    appearances = [appearance for face in answer.faces for appearance in face.appearances]
    owned = [composed.owner(appearance, world.starts_at) for appearance in appearances]
    assert owned.count("005") >= 0.9 * 12
    assert owned.count(None) <= 1
    widths = [crop.face_width_px for face in answer.faces for crop in face.crops]
    assert widths
    assert all(0.75 * face_px < width < 1.25 * face_px for width in widths)


@pytest.mark.parametrize("face_px", [48, 96])
def test_crops_are_aligned_like_the_portrait_itself(world: Any, composer: Any, finder: Any, face_px: float) -> None:
    portrait = decode_picture((portraits() / "008-smiling.jpg").read_bytes(), 10**6)
    (reference,) = finder.find(portrait, Activity.everywhere(512, 512))
    wanted = _features(align(portrait, reference.landmarks))
    answer = world.handle(composer([("008", face_px, 200, 170, 60, 0)]), key_frame_interval_s=_FAR_APART_S)
    (face,) = [index for index, face in enumerate(answer.faces) if len(face.appearances) > 5]
    for crop in world.crops(answer, face):
        fit, down, right = _best_shift(crop, wanted)
        assert fit > 0.88
        assert max(abs(down), abs(right)) <= 3


@pytest.mark.parametrize("key_frame_interval_s", [1, _FAR_APART_S])
@pytest.mark.parametrize("seed", range(6))
def test_two_who_cross_are_never_in_one_list(world: Any, composer: Any, seed: int, key_frame_interval_s: float) -> None:
    dice = np.random.default_rng(seed)
    people = sorted(path.name[:3] for path in portraits().glob("*-smiling.jpg"))
    one, other = dice.choice(people, 2, replace=False)
    width = float(dice.choice([40, 56, 72, 90]))
    pace = width * float(dice.uniform(2, 8))
    composed = composer(
        [
            (one, width, 320 - pace * 1.2, 180, pace, 0),
            (
                other,
                width * float(dice.uniform(0.9, 1.1)),
                320 + pace * 1.1,
                180 + float(dice.uniform(-9, 9)),
                -pace,
                0,
            ),
        ],
        seconds=2.4,
        seed=seed,
    )
    answer = world.handle(composed, key_frame_interval_s=key_frame_interval_s)
    owners = [
        {composed.owner(appearance, world.starts_at) for appearance in face.appearances} - {None}
        for face in answer.faces
    ]
    assert all(len(who) <= 1 for who in owners)
    assert {name for who in owners for name in who} == {one, other}


def test_a_person_who_stops_is_followed_to_the_end(world: Any, composer: Any) -> None:
    composed = composer([("012", 64, 300, 170, 0, 0)], seconds=3)
    answer = world.handle(composed, key_frame_interval_s=_FAR_APART_S)
    assert max(len(face.appearances) for face in answer.faces) >= 11


@pytest.mark.parametrize(("key_frame_interval_s", "looks"), [(1, 6), (_FAR_APART_S, 24)])
def test_a_still_scene_is_searched_once(world: Any, still: Any, key_frame_interval_s: float, looks: int) -> None:
    """The detector sees the first picture of a still clip, and no other."""
    answer = world.handle(still(6), key_frame_interval_s=key_frame_interval_s)
    assert answer.outcome == DetectionOutcome.DETECTION_OUTCOME_COMPLETE
    assert list(answer.faces) == []
    assert answer.frames_sampled == 1
    assert answer.frames_sampled + answer.frames_still == looks
    assert not answer.HasField("optional_crops_key")


def test_a_clip_cut_short_is_partial_and_what_it_shows_is_found(world: Any, composer: Any, stored: Any) -> None:
    whole = composer([("005", 80, 200, 170, 60, 0)], seconds=3)
    answer = world.handle(stored(whole.video[: len(whole.video) * 2 // 3], 3, (640, 360)), frames=75)
    assert answer.outcome == DetectionOutcome.DETECTION_OUTCOME_PARTIAL
    assert len(answer.faces) >= 1


@pytest.mark.parametrize("video", [b"", b"\0" * 10_000])
def test_a_clip_without_video_is_unreadable(world: Any, stored: Any, video: bytes) -> None:
    answer = world.handle(stored(video, 4, (640, 360)))
    assert answer.outcome == DetectionOutcome.DETECTION_OUTCOME_UNREADABLE


@pytest.mark.parametrize("face_px", [24, 32, 48, 80, 120])
def test_key_frames_alone_find_a_walker_in_each_of_them(world: Any, composer: Any, face_px: float) -> None:
    composed = composer([("005", face_px, 150, 170, 60, 0)], seconds=4)
    answer = world.handle(composed, key_frame_interval_s=1)
    assert answer.frames_sampled == 4
    owned = [composed.owner(appearance, world.starts_at) for face in answer.faces for appearance in face.appearances]
    assert owned == ["005"] * 4
    assert any(face.crops for face in answer.faces)


def test_who_walks_in_between_key_frames_of_a_calm_clip_is_found(world: Any, composer: Any) -> None:
    """The packets' sizes say that somebody came, however small, so the next key frame is decoded and searched."""
    composed = composer([("005", 24, -20, 170, 120, 0)], seconds=4)
    answer = world.handle(composed, key_frame_interval_s=1)
    owned = {composed.owner(appearance, world.starts_at) for face in answer.faces for appearance in face.appearances}
    assert owned == {"005"}
    assert answer.frames_sampled >= 3
