"""The demo authority: two people, one subject, and nothing left behind by what was denied."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from homeward.cli.authorising import DemoAuthority, Issued, UnknownAuthorisationError
from homeward.cli.identities import KEYS_FILE, BadSignatureError, DemoIdentities, NoDemoIdentitiesError
from homeward.shared.authorisation import (
    AuthorisationDeniedError,
    DenialCode,
    KeyFileError,
    KeySet,
    Purpose,
    ReadPhoto,
    SearchFaces,
    Verifier,
)
from homeward.shared.events import Event
from homeward.shared.objectkeys import SUBJECTS_BUCKET
from homeward.shared.objectstore.memory_store import MemoryStore
from homeward.shared.runtime.producer import DeliveryError
from homeward.shared.vision.jpeg import decode_picture
from homeward.shared.vision.photo import LONGEST_SIDE_PX, PhotoError, normalise_photo
from homewardapi.authorisation.v1.authorisation_pb2 import Authorisation, AuthorisationState, CloseReason
from support.authorisations import NOON, MovableClock

HOUR = timedelta(hours=1)


class _Topic:
    """The topic of authorisations in memory, for both ends."""

    def __init__(self) -> None:
        self.available = True
        self.states: dict[str, Authorisation] = {}

    def send(self, events: Sequence[Event]) -> None:
        if not self.available:
            raise DeliveryError("not delivered")
        for event in events:
            assert isinstance(event.message, Authorisation)
            self.states[event.key] = event.message

    def read(self) -> Mapping[str, Authorisation]:
        return self.states


class _World:
    def __init__(self, folder: Path) -> None:
        self.clock = MovableClock()
        self.store = MemoryStore(self.clock)
        self.store.ensure_bucket(SUBJECTS_BUCKET)
        self.topic = _Topic()
        self.authority = DemoAuthority(DemoIdentities.make(folder), self.store, self.topic, self.topic.read, self.clock)
        self.verifier = Verifier(KeySet.from_jwks_file(folder / KEYS_FILE), self.clock)

    def authorise(
        self,
        photos: Sequence[bytes] | None = None,
        *,
        purpose: Purpose = Purpose.MISSING_PERSON,
        lifetime: timedelta = 24 * HOUR,
        urgent: bool = False,
        hours_ahead: int = 24,
    ) -> Issued:
        return self.authority.authorise(
            [_photo()] if photos is None else photos,
            camera_ids=["gate"],
            starts_at=self.clock.now() - HOUR,
            ends_at=self.clock.now() + hours_ahead * HOUR,
            purpose=purpose,
            lifetime=lifetime,
            urgent=urgent,
        )

    def photos(self) -> list[str]:
        return [info.key for info in self.store.list(SUBJECTS_BUCKET)]


@pytest.fixture
def world(tmp_path: Path) -> _World:
    return _World(tmp_path / "keys")


def _photo(width: int = 64, height: int = 48) -> bytes:
    done, data = cv2.imencode(".jpg", np.full((height, width, 3), 128, dtype=np.uint8))
    assert done
    return bytes(data)


def _with_exif(jpeg: bytes, orientation: int, text: bytes) -> bytes:
    """Put an EXIF block with an orientation and a text that must not survive into `jpeg`."""
    tiff = (
        b"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01" + orientation.to_bytes(2) + bytes(6) + text
    )
    block = b"Exif\x00\x00" + tiff
    return jpeg[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2) + block + jpeg[2:]


def test_two_people_open_a_search(world: _World) -> None:
    issued = world.authorise([_photo(), _photo()])
    verified = world.verifier.verify(issued.token)
    verified.permit(SearchFaces())
    for key in verified.photo_keys:
        verified.permit(ReadPhoto(key))
    assert list(verified.photo_keys) == world.photos()
    assert world.topic.states[issued.authorisation_id].optional_token == issued.token
    assert issued.expires_at == NOON + 24 * HOUR
    assert not issued.urgent


def test_one_signature_opens_an_urgent_search_for_an_hour(world: _World) -> None:
    issued = world.authorise(urgent=True)
    assert (issued.expires_at, issued.urgent) == (NOON + HOUR, True)
    world.clock.move(HOUR)
    with pytest.raises(AuthorisationDeniedError):
        world.verifier.verify(issued.token)
    with pytest.raises(AuthorisationDeniedError):
        world.authority.confirm(issued.authorisation_id)


def test_a_second_signature_makes_it_whole(world: _World) -> None:
    urgent = world.authorise(urgent=True)
    world.clock.move(HOUR / 2)
    issued = world.authority.confirm(urgent.authorisation_id, lifetime=24 * HOUR)
    verified = world.verifier.verify(issued.token)
    assert issued.authorisation_id == urgent.authorisation_id
    assert issued.expires_at == verified.window_ends_at == NOON + HOUR / 2 + 24 * HOUR
    assert list(verified.photo_keys) == world.photos()
    with pytest.raises(UnknownAuthorisationError, match="already"):
        world.authority.confirm(urgent.authorisation_id)


def test_a_second_signature_widens_no_window_that_was_asked_for(world: _World) -> None:
    urgent = world.authorise(urgent=True, hours_ahead=0)
    issued = world.authority.confirm(urgent.authorisation_id)
    assert world.verifier.verify(issued.token).window_ends_at == NOON


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"purpose": Purpose.INCIDENT}, DenialCode.SUBJECT),
        ({"lifetime": 73 * HOUR}, DenialCode.LIFETIME),
        ({"purpose": Purpose.SUBJECT_ACCESS, "urgent": True}, DenialCode.APPROVAL),
        ({"photos": []}, DenialCode.MISSING_CAVEAT),
        ({"photos": [b"x"] * 6}, DenialCode.SUBJECT),
    ],
)
def test_what_is_denied_leaves_nothing_behind(world: _World, changes: dict[str, object], code: DenialCode) -> None:
    with pytest.raises(AuthorisationDeniedError) as caught:
        world.authorise(**changes)  # type: ignore[arg-type]
    assert caught.value.denial.code is code
    assert world.photos() == []
    assert world.topic.states == {}


def test_what_cannot_be_announced_leaves_no_photo(world: _World) -> None:
    world.topic.available = False
    with pytest.raises(DeliveryError):
        world.authorise()
    assert world.photos() == []


def test_a_picture_that_is_none_opens_nothing(world: _World) -> None:
    with pytest.raises(PhotoError, match="photo 2"):
        world.authorise([_photo(), b"no picture"])
    assert world.photos() == []
    assert world.topic.states == {}


def test_twenty_searches_at_once_and_no_more(world: _World) -> None:
    issued = [world.authorise() for _ in range(20)]
    with pytest.raises(AuthorisationDeniedError) as caught:
        world.authorise()
    assert caught.value.denial.code is DenialCode.LIVE_SEARCHES
    world.authority.stop(issued[0].authorisation_id)
    world.authorise()
    world.clock.move(24 * HOUR)
    world.authorise()


def test_stopping_closes_for_good(world: _World) -> None:
    issued = world.authorise()
    world.authority.stop(issued.authorisation_id)
    state = world.topic.states[issued.authorisation_id]
    assert state.state == AuthorisationState.AUTHORISATION_STATE_CLOSED
    assert state.optional_close_reason == CloseReason.CLOSE_REASON_STOPPED
    assert not state.HasField("optional_token")
    with pytest.raises(UnknownAuthorisationError):
        world.authority.confirm(issued.authorisation_id)


def test_an_unknown_authorisation_cannot_be_stopped(world: _World) -> None:
    with pytest.raises(UnknownAuthorisationError):
        world.authority.stop("7f0c1a52-5a3e-4f4e-9d0b-0c5b7c6a9e10")


def test_photos_are_pixels_and_nothing_else() -> None:
    secret = b"taken at home by the sea"
    photo = normalise_photo(_with_exif(_photo(64, 48), 6, secret), 1)
    assert secret not in photo
    assert b"Exif" not in photo
    # Orientation 6 is a camera held upright: what was 64x48 stands 48 wide and 64 high.
    assert decode_picture(photo, 10_000).shape == (64, 48, 3)


def test_large_photos_are_made_smaller_and_keep_their_shape() -> None:
    assert decode_picture(normalise_photo(_photo(4096, 1024), 1), 10_000_000).shape == (512, LONGEST_SIDE_PX, 3)


def test_a_photo_too_large_to_read_is_refused() -> None:
    with pytest.raises(PhotoError, match="photo 3 is larger"):
        normalise_photo(bytes(31 * 2**20), 3)


def test_the_identities_are_made_once_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    made = DemoIdentities.make(folder)
    assert DemoIdentities.make(folder).authority.key_id == made.authority.key_id
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.glob("*.pem")} == {0o600}


def test_elsewhere_there_are_no_identities(tmp_path: Path) -> None:
    with pytest.raises(NoDemoIdentitiesError, match="homeward up"):
        DemoIdentities.load(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_others_can_read_signs_nothing(tmp_path: Path) -> None:
    DemoIdentities.make(tmp_path)
    (tmp_path / "demo-approver.pem").chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        DemoIdentities.load(tmp_path)


def test_nobody_signs_for_somebody_else(tmp_path: Path) -> None:
    people = DemoIdentities.make(tmp_path)
    signature = people.officer.sign(b"request")
    assert people.signer("demo-officer", b"request", signature) == people.officer.official
    for name, document in (("demo-approver", b"request"), ("demo-officer", b"another"), ("somebody", b"request")):
        with pytest.raises(BadSignatureError):
            people.signer(name, document, signature)
