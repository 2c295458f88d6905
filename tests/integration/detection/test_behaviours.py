"""What detection does with clips that are not the rule, each behaviour stated."""

from typing import Any

import pytest

from homewardapi.face.v1.face_pb2 import ClipFaces, DetectionOutcome
from support.scenes import person_ids


def _owned(world: Any, composed: Any, answer: ClipFaces) -> list[str | None]:
    return [composed.owner(one, world.starts_at) for face in answer.faces for one in face.appearances]


def test_a_4k_clip_is_searched_like_any_other(world: Any, composer: Any) -> None:
    composed = composer([("005", 48, 900, 700, 0, 0), ("008", 160, 2600, 1200, 0, 0)], size=(3840, 2160), seconds=0.2)
    answer = world.handle(composed)
    assert answer.outcome == DetectionOutcome.DETECTION_OUTCOME_COMPLETE
    assert sorted(filter(None, _owned(world, composed, answer))) == ["005", "008"]
    assert all(face.crops for face in answer.faces)


def test_of_a_clip_with_one_key_frame_every_frame_is_decoded(world: Any, composer: Any) -> None:
    """Key frames alone would show the first moment and nothing after it."""
    composed = composer([("005", 64, 150, 170, 80, 0)], key_every_s=10)
    answer = world.handle(composed, key_frame_interval_s=3)
    assert answer.frames_sampled == 12
    assert _owned(world, composed, answer).count("005") >= 11


def test_who_looks_at_the_camera_between_key_frames_alone_is_seen(world: Any, composer: Any) -> None:
    """Key frames that show a face from the side have the frames about its best moment decoded as well."""
    composed = composer([("005", 40, 150, 170, 60, 0)], seconds=4, turned=0.45)
    answer = world.handle(composed)
    assert set(_owned(world, composed, answer)) == {"005"}
    assert max(len(face.crops) for face in answer.faces) == 3
    world.keep_to_key_frames()
    alone = world.handle(composed)
    assert not any(face.crops for face in alone.faces)
    assert answer.frames_sampled > alone.frames_sampled > 0


def test_a_hundred_faces_in_one_picture_are_all_counted(world: Any, composer: Any) -> None:
    """There is no most: each is a face of its own, with its crop."""
    people = person_ids()[:100]
    walkers = [
        (person, 36, 110 + 118 * (index % 10), 70 + 68 * (index // 10), 0, 0) for index, person in enumerate(people)
    ]
    composed = composer(walkers, size=(1280, 720), seconds=0.08)
    answer = world.handle(composed)
    assert len(set(_owned(world, composed, answer)) - {None}) >= 97
    assert 97 <= len(answer.faces) <= 103


@pytest.mark.parametrize("face_px", [48, 96])
def test_a_masked_face_is_counted(world: Any, composer: Any, face_px: float) -> None:
    """It is found by what shows above the mask; how well it can be compared, its quality says as for any other."""
    composed = composer([("005", face_px, 200, 170, 40, 0)], masked=True)
    assert _owned(world, composed, world.handle(composed)).count("005") == 3


def test_a_poster_is_a_face_like_any_other(world: Any, composer: Any) -> None:
    """A face that never moves is found in the first picture, looked for again where it was, and kept as one face.

    Nobody can tell a photo from a person who stands still at one picture a second: whoever reviews a sighting can.
    """
    composed = composer([("012", 64, 300, 170, 0, 0)], seconds=4)
    answer = world.handle(composed)
    assert set(_owned(world, composed, answer)) == {"012"}
    assert len(answer.faces) == 1
    assert len(answer.faces[0].crops) <= 3
