from collections.abc import Callable
from datetime import timedelta

import pytest

from homeward.access.errors import ConflictError, NotFoundError
from homeward.access.review.verdict import Answer
from homeward.shared.audit import AuditUnavailableError
from homeward.shared.objectkeys import CROPS_BUCKET, SUBJECTS_BUCKET, photo_key
from homeward.shared.objectstore.port import ObjectStoreUnavailableError
from homewardapi.audit.v1 import audit_pb2
from homewardapi.sighting.v1.sighting_pb2 import Sighting
from support.access_review import (
    APPROVER,
    JPEG,
    REQUEST,
    REQUESTER,
    ReviewWorld,
    crop_bytes,
    reviewer,
    sighting,
)

ADA, BEN = reviewer("ada"), reviewer("ben")


@pytest.fixture
def world() -> ReviewWorld:
    world = ReviewWorld()
    world.opened()
    return world


@pytest.fixture
def sighted(world: ReviewWorld) -> str:
    return world.sighted(sighting())


def test_each_picture_is_one_part_of_the_clips_object(world: ReviewWorld, sighted: str) -> None:
    assert [world.review.pictures.crop(ADA, sighted, number) for number in range(3)] == [
        crop_bytes(number) for number in range(3)
    ]
    with pytest.raises(NotFoundError):
        world.review.pictures.crop(ADA, sighted, 3)


def test_every_look_is_recorded(world: ReviewWorld, sighted: str) -> None:
    world.review.pictures.crop(ADA, sighted, 1)
    world.review.pictures.photo(ADA, REQUEST, 0)
    crop, photo = world.audit.entries
    assert (crop.action, crop.actor_id) == (audit_pb2.AUDIT_ACTION_SIGHTING_VIEWED, ADA.official_id)
    assert (crop.sighting_id, crop.request_id, crop.code) == (sighted, REQUEST, "picture_1")
    assert (photo.action, photo.request_id) == (audit_pb2.AUDIT_ACTION_PHOTO_VIEWED, REQUEST)


Look = Callable[[ReviewWorld, str], bytes]
LOOKS: list[Look] = [
    lambda world, sighted: world.review.pictures.crop(ADA, sighted, 0),
    lambda world, _: world.review.pictures.photo(ADA, REQUEST, 0),
    lambda world, sighted: world.review.pictures.confirmed_crop(REQUESTER, sighted, 0),
]


def confirm(world: ReviewWorld, sighted: str) -> None:
    for who in (ADA, BEN):
        world.review.answering.answer(who, sighted, Answer.YES)
    world.audit.entries.clear()


@pytest.mark.parametrize("look", LOOKS, ids=["crop", "photo", "confirmed"])
def test_what_cannot_be_recorded_is_not_shown(world: ReviewWorld, sighted: str, look: Look) -> None:
    confirm(world, sighted)
    world.audit.away = True
    with pytest.raises(AuditUnavailableError):
        look(world, sighted)


@pytest.mark.parametrize("by_the_clock", [False, True], ids=["stopped", "expired"])
@pytest.mark.parametrize("look", LOOKS, ids=["crop", "photo", "confirmed"])
def test_an_ended_search_shows_no_picture(world: ReviewWorld, sighted: str, look: Look, *, by_the_clock: bool) -> None:
    confirm(world, sighted)
    look(world, sighted)
    world.audit.entries.clear()
    if by_the_clock:
        world.clock.move(timedelta(hours=12))
    else:
        world.ends()
    with pytest.raises(ConflictError) as refused:
        look(world, sighted)
    assert refused.value.code == "ended"
    assert world.audit.entries == []
    assert world.review.review.sighting(ADA, sighted).pictures == ()


class _EndsMeanwhile:
    """A store during whose answers the search ends."""

    def __init__(self, world: ReviewWorld) -> None:
        self._store = world.store
        self._world = world

    def get(self, bucket: str, key: str) -> bytes:
        self._world.ends()
        return self._store.get(bucket, key)

    def get_range(self, bucket: str, key: str, offset_bytes: int, length_bytes: int) -> bytes:
        self._world.ends()
        return self._store.get_range(bucket, key, offset_bytes, length_bytes)


@pytest.mark.parametrize("look", LOOKS, ids=["crop", "photo", "confirmed"])
def test_a_search_that_ends_while_a_picture_is_read_does_not_show_it(
    world: ReviewWorld, sighted: str, look: Look
) -> None:
    confirm(world, sighted)
    world.review.pictures._store = _EndsMeanwhile(world)  # type: ignore[assignment]
    with pytest.raises(ConflictError):
        look(world, sighted)
    assert world.audit.entries == []


def test_officials_see_pictures_of_what_is_confirmed_alone(world: ReviewWorld, sighted: str) -> None:
    for official in (REQUESTER, APPROVER):
        with pytest.raises(NotFoundError):
            world.review.pictures.confirmed_crop(official, sighted, 0)
    world.review.answering.answer(ADA, sighted, Answer.YES)
    with pytest.raises(NotFoundError):
        world.review.pictures.confirmed_crop(REQUESTER, sighted, 0)
    world.review.answering.answer(BEN, sighted, Answer.YES)
    for official in (REQUESTER, APPROVER):
        assert world.review.pictures.confirmed_crop(official, sighted, 0) == crop_bytes(0)
    with pytest.raises(NotFoundError):
        world.review.pictures.confirmed_crop(ADA, sighted, 0)


def test_another_requests_photo_or_number_is_none(world: ReviewWorld) -> None:
    world.store.put(SUBJECTS_BUCKET, photo_key(REQUEST, 1), JPEG)
    with pytest.raises(NotFoundError):
        world.review.pictures.photo(ADA, REQUEST, 1)


def test_what_the_store_holds_and_is_no_picture_is_not_given(world: ReviewWorld, sighted: str) -> None:
    message = sighting().message
    assert isinstance(message, Sighting)
    world.store.put(CROPS_BUCKET, message.crops_key, b"<html><script>alert(1)</script></html>")
    with pytest.raises(NotFoundError):
        world.review.pictures.crop(ADA, sighted, 0)
    world.store.delete(CROPS_BUCKET, message.crops_key)
    with pytest.raises(NotFoundError):
        world.review.pictures.crop(ADA, sighted, 0)


def test_a_store_that_is_away_is_told_as_such(world: ReviewWorld, sighted: str) -> None:
    world.store.available = False
    with pytest.raises(ObjectStoreUnavailableError):
        world.review.pictures.crop(ADA, sighted, 0)
    assert world.audit.entries == []
