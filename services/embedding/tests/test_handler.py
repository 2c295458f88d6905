from datetime import datetime, timedelta

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from homeward.embedding.answers import Asked, CropAsked, PhotoAsked, Reason, Template
from homeward.embedding.handler import EmbeddingHandler, Limits, Session
from homeward.embedding.metrics import EmbeddingMetrics
from homeward.shared.authorisation import AuthorisationDeniedError, DenialCode, Purpose
from homeward.shared.ids import clip_id
from homeward.shared.objectkeys import CROPS_BUCKET, SUBJECTS_BUCKET, crops_key
from homeward.shared.objectstore.memory_store import MemoryStore
from homeward.shared.objectstore.port import ObjectStoreUnavailableError
from homeward.shared.vision.alignment import inner
from homeward.shared.vision.jpeg import decode_picture, encode_jpeg
from support.authorisations import NOON, Authority, request
from support.embedding import MODEL, Marks, Templates, answer_of, marked, mean_colour


def key_of(camera_id: str = "gate", starts_at: datetime = NOON) -> str:
    return crops_key(camera_id, starts_at, clip_id(camera_id, starts_at))


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 255, (height, width, 3)).astype(np.uint8)


def png(image: NDArray[np.uint8]) -> bytes:
    done, data = cv2.imencode(".png", image[:, :, ::-1])
    assert done
    return bytes(data)


class Place:
    """The handler with everything that it needs, in memory."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.authority = Authority()
        self.store = MemoryStore(self.authority.clock)
        self.store.ensure_bucket(CROPS_BUCKET)
        self.store.ensure_bucket(SUBJECTS_BUCKET)
        self.templates = Templates()
        self.finder = Marks()
        self.registry = CollectorRegistry()
        self.handler = EmbeddingHandler(
            verifier=self.authority.verifier,
            objects=self.store,
            templates=self.templates,
            finder=self.finder,
            metrics=EmbeddingMetrics(self.registry),
            limits=limits,
        )

    def session(self) -> Session:
        return self.handler.open(self.authority.token())

    def crop(self, data: bytes, key: str | None = None) -> CropAsked:
        key = key or key_of()
        self.store.put(CROPS_BUCKET, key, b"before" + data + b"after")
        return CropAsked(key, len(b"before"), len(data))

    def photo(self, data: bytes, index: int = 0) -> PhotoAsked:
        (key,) = request(photos=1).photo_keys[index : index + 1]
        self.store.put(SUBJECTS_BUCKET, key, data)
        return PhotoAsked(key)


@pytest.fixture
def place() -> Place:
    return Place()


def test_a_crops_template_is_that_of_its_inner_square(place: Place) -> None:
    data = encode_jpeg(noise(176, 176))
    answer = answer_of(place.session(), place.crop(data))
    assert isinstance(answer, Template)
    assert answer.values == pytest.approx(mean_colour(inner(decode_picture(data, 176 * 176))))
    assert answer.model == MODEL


def test_a_photos_template_is_that_of_its_face(place: Place) -> None:
    answer = answer_of(place.session(), place.photo(png(marked(300, 400, (100, 80, 120)))))
    assert isinstance(answer, Template)
    assert np.linalg.norm(answer.values) == pytest.approx(1)
    assert place.finder.forgets == 1


@pytest.mark.parametrize(
    "asked",
    [
        CropAsked(key_of("elsewhere"), 0, 10),
        CropAsked(key_of(starts_at=NOON - timedelta(hours=4)), 0, 10),
        CropAsked(key_of(starts_at=NOON + timedelta(hours=3)), 0, 10),
        CropAsked(key_of().replace("crops", "mp4"), 0, 10),
        CropAsked("../subjects/x", 0, 10),
        CropAsked("", 0, 10),
        PhotoAsked(f"{'0' * 8}-0000-4000-8000-{'0' * 12}/0.jpg"),
        PhotoAsked(request(photos=2).photo_keys[1]),
        PhotoAsked(key_of()),
        PhotoAsked(""),
    ],
)
def test_a_key_outside_the_authorisation_is_refused_and_never_read(place: Place, asked: Asked) -> None:
    place.store.available = False  # a read would fail in another way
    assert answer_of(place.session(), asked) is Reason.OUTSIDE_AUTHORISATION
    assert place.templates.asked == 0


def test_an_authorisation_that_ended_answers_no_more(place: Place) -> None:
    session = place.session()
    asked = place.crop(encode_jpeg(noise(176, 176)))
    place.authority.clock.move(timedelta(hours=12))
    assert answer_of(session, asked) is Reason.EXPIRED
    assert session.over()
    assert place.templates.asked == 0


def test_an_authorisation_that_ends_while_the_template_is_made_keeps_it_back(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = place.session()
    asked = place.crop(encode_jpeg(noise(176, 176)))
    monkeypatch.setattr(place.templates, "before", lambda: place.authority.clock.move(timedelta(hours=12)))
    assert answer_of(session, asked) is Reason.EXPIRED
    assert place.templates.asked == 1


def test_an_object_that_is_not_there_is_not_found(place: Place) -> None:
    session = place.session()
    assert answer_of(session, CropAsked(key_of(), 0, 10)) is Reason.NOT_FOUND
    assert answer_of(session, PhotoAsked(request().photo_keys[0])) is Reason.NOT_FOUND


def test_a_crop_beyond_the_objects_end_is_not_found(place: Place) -> None:
    asked = place.crop(encode_jpeg(noise(176, 176)))
    assert answer_of(place.session(), CropAsked(asked.key, asked.offset_bytes, 200_000)) is Reason.NOT_FOUND


@pytest.mark.parametrize("size", [(112, 112), (175, 176), (176, 175), (500, 500)])
def test_a_crop_that_is_no_aligned_canvas_is_unreadable(place: Place, size: tuple[int, int]) -> None:
    assert answer_of(place.session(), place.crop(encode_jpeg(noise(*size)))) is Reason.UNREADABLE


@pytest.mark.parametrize("length", [0, (256 << 10) + 1, 2**63])
def test_a_crop_of_a_senseless_length_is_unreadable_and_never_read(place: Place, length: int) -> None:
    place.store.available = False
    assert answer_of(place.session(), CropAsked(key_of(), 0, length)) is Reason.UNREADABLE


def test_what_is_no_picture_is_unreadable(place: Place) -> None:
    session = place.session()
    assert answer_of(session, place.crop(b"nothing of the kind")) is Reason.UNREADABLE
    assert answer_of(session, place.photo(b"nothing of the kind")) is Reason.UNREADABLE


def test_a_photo_too_large_in_bytes_or_pixels_is_unreadable() -> None:
    data = encode_jpeg(noise(100, 100))
    for limits in (Limits(photo_bytes=len(data) - 1), Limits(photo_pixels=9_999)):
        place = Place(limits)
        assert answer_of(place.session(), place.photo(data)) is Reason.UNREADABLE


@pytest.mark.parametrize(
    ("photo", "reason"),
    [
        (marked(300, 400), Reason.NO_FACE),
        (marked(300, 400, (20, 20, 100), (200, 20, 90)), Reason.SEVERAL_FACES),
        (marked(300, 400, (20, 20, 30)), Reason.POOR_FACE),
        (marked(300, 400, (150, 100, 100), detail=False), Reason.POOR_FACE),
    ],
)
def test_a_photo_without_exactly_one_usable_face_is_refused_with_the_reason(
    place: Place, photo: NDArray[np.uint8], reason: Reason
) -> None:
    assert answer_of(place.session(), place.photo(png(photo))) is reason
    assert place.templates.asked == 0


def test_a_store_that_is_away_is_no_refusal(place: Place) -> None:
    session = place.session()
    place.store.available = False
    with pytest.raises(ObjectStoreUnavailableError):
        answer_of(session, CropAsked(key_of(), 0, 10))


def test_a_purpose_without_a_face_search_opens_nothing(place: Place) -> None:
    asked = request(purpose=Purpose.INCIDENT, photos=0)
    with pytest.raises(AuthorisationDeniedError) as caught:
        place.handler.open(place.authority.token(asked))
    assert caught.value.denial.code is DenialCode.PURPOSE


def test_a_token_that_does_not_verify_opens_nothing(place: Place) -> None:
    with pytest.raises(AuthorisationDeniedError):
        place.handler.open(Authority().token())


def test_answers_are_counted_by_kind_and_reason(place: Place) -> None:
    session = place.session()
    answer_of(session, place.crop(encode_jpeg(noise(176, 176))))
    answer_of(session, CropAsked(key_of("elsewhere"), 0, 1))
    value = place.registry.get_sample_value
    assert value("homeward_embedding_templates_total", {"kind": "crop"}) == 1
    told = {"kind": "crop", "reason": "outside_authorisation"}
    assert value("homeward_embedding_refusals_total", told) == 1


def test_a_template_shows_itself_to_no_log() -> None:
    template = Template(np.full(3, 0.57735, np.float32), MODEL)
    assert "0.577" not in repr(template)


def test_the_crops_of_an_object_come_with_one_read(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    jpegs = [encode_jpeg(noise(176, 176)), encode_jpeg(255 - noise(176, 176))]
    whole = place.crop(b"".join(jpegs))
    first = CropAsked(whole.key, whole.offset_bytes, len(jpegs[0]))
    second = CropAsked(whole.key, whole.offset_bytes + len(jpegs[0]), len(jpegs[1]))
    reads: list[tuple[int, int]] = []
    get_range = place.store.get_range

    def counted(bucket: str, key: str, offset_bytes: int, length_bytes: int) -> bytes:
        reads.append((offset_bytes, length_bytes))
        return get_range(bucket, key, offset_bytes, length_bytes)

    monkeypatch.setattr(place.store, "get_range", counted)
    faces = list(place.session().crops([second, first]))
    for face, jpeg in zip(faces, reversed(jpegs), strict=True):
        assert not isinstance(face, Reason)
        assert (face == inner(decode_picture(jpeg, 176 * 176))).all()
    assert reads == [(whole.offset_bytes, whole.length_bytes)]


def test_a_crop_beyond_the_end_does_not_take_the_others_along(place: Place) -> None:
    good = place.crop(encode_jpeg(noise(176, 176)))
    beyond = CropAsked(good.key, good.offset_bytes + good.length_bytes, 9_999)
    senseless = CropAsked(good.key, 0, 0)
    face, *refused = place.session().crops([good, beyond, senseless])
    assert not isinstance(face, Reason)
    assert refused == [Reason.NOT_FOUND, Reason.UNREADABLE]
