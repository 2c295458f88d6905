"""The real models on real faces: what they find, and how far apart people are."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from homeward.embedding.adapters.blazeface_finder import BlazeFaceFinder
from homeward.embedding.answers import Reason, RefusedError
from homeward.embedding.photo import subject_face
from homeward.embedding.ports import Embedder
from homeward.shared.vision.jpeg import decode_picture, encode_jpeg
from homewardapi.embedding.v1 import embedding_service_pb2 as pb
from support.data import portraits

from .conftest import Service

Picture = NDArray[np.uint8]
PEOPLE = 24


def people() -> list[str]:
    return sorted({path.name[:3] for path in portraits().glob("*.jpg")})[:PEOPLE]


def load(person: str, kind: str = "neutral") -> Picture:
    return decode_picture((portraits() / f"{person}-{kind}.jpg").read_bytes(), 10**6)


def placed(picture: Picture, width: int, height: int, scale: float) -> Picture:
    """Return a snapshot of that size in which the portrait stands in a corner, `scale` times as large."""
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    snapshot = np.full((height, width, 3), 110, np.uint8)
    snapshot[-small.shape[0] :, -small.shape[1] :] = small
    return snapshot


def reason(picture: Picture, finder: BlazeFaceFinder) -> Reason | None:
    try:
        subject_face(picture, finder)
    except RefusedError as refused:
        return refused.reason
    return None


def test_a_person_is_nearer_to_themselves_than_to_anybody_else(
    new_engine: Callable[[], Embedder], finder: BlazeFaceFinder
) -> None:
    engine = new_engine()
    rows = {
        kind: engine.embed(np.stack([subject_face(load(person, kind), finder) for person in people()]))
        for kind in ("neutral", "smiling")
    }
    scores = rows["neutral"] @ rows["smiling"].T
    same = np.eye(len(scores), dtype=bool)
    assert np.median(scores[same]) > 0.93
    assert scores[same].min() > 0.70
    assert scores[~same].max() < 0.62
    assert (scores.argmax(axis=1) == np.arange(len(scores))).all()


@pytest.mark.parametrize(("size", "scale"), [((640, 480), 0.9), ((1280, 720), 0.5), ((1920, 1080), 0.3)])
def test_a_small_face_in_a_snapshot_is_as_good_as_a_portrait(
    new_engine: Callable[[], Embedder], finder: BlazeFaceFinder, size: tuple[int, int], scale: float
) -> None:
    engine = new_engine()
    for person in people()[:4]:
        faces = [subject_face(picture, finder) for picture in (load(person), placed(load(person), *size, scale))]
        one, other = engine.embed(np.stack(faces))
        assert float(one @ other) > 0.85


def test_a_face_that_fills_the_picture_is_found(finder: BlazeFaceFinder) -> None:
    for person in people()[:6]:
        assert reason(load(person)[150:390, 170:345], finder) is None


def test_two_people_are_several_and_somebody_behind_is_not(finder: BlazeFaceFinder) -> None:
    one, other = load(people()[0]), load(people()[1])
    assert reason(np.concatenate([one, other], axis=1), finder) is Reason.SEVERAL_FACES
    behind = one.copy()
    behind[:128, :128] = cv2.resize(other, (128, 128), interpolation=cv2.INTER_AREA)
    assert reason(behind, finder) is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda picture: picture[400:], {Reason.NO_FACE}),
        (lambda picture: picture[:, :256].copy(), {Reason.POOR_FACE}),
        (lambda picture: cv2.resize(picture, (80, 80), interpolation=cv2.INTER_AREA), {Reason.POOR_FACE}),
        (lambda picture: cv2.GaussianBlur(picture, (0, 0), 12), {Reason.POOR_FACE, Reason.NO_FACE}),
        (lambda picture: picture[::-1, ::-1].copy(), {Reason.POOR_FACE, Reason.NO_FACE}),
    ],
    ids=["no face", "half a face", "too small", "blurred", "upside down"],
)
def test_a_picture_that_cannot_be_compared_is_refused(
    finder: BlazeFaceFinder, change: Callable[[Picture], Picture], expected: set[Reason]
) -> None:
    for person in people()[:4]:
        assert reason(change(load(person)), finder) in expected


def test_a_photo_over_the_wire_meets_a_crop_of_the_same_person(service: Service, finder: BlazeFaceFinder) -> None:
    person = people()[2]
    canvas = np.zeros((176, 176, 3), np.uint8)
    canvas[32:144, 32:144] = subject_face(load(person, "smiling"), finder)
    (crop,) = service.crops(encode_jpeg(canvas))
    photo = service.photo((portraits() / f"{person}-neutral.jpg").read_bytes())
    answers = service.ask([crop, photo])
    one, other = (np.array(answers[number].template.values) for number in (crop.crop.request_id, 1000))
    assert float(one @ other) > 0.8


def test_a_group_photo_over_the_wire_is_refused(service: Service) -> None:
    group = np.concatenate([load(people()[0]), load(people()[1])], axis=1)
    answers = service.ask([service.photo(encode_jpeg(group))])
    assert answers[1000].refusal.reason == pb.REFUSAL_REASON_SEVERAL_FACES
