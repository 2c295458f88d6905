from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from homeward.cli.camera import InvalidCameraError, camera_changed, camera_removed
from homeward.shared.events import decode, encode
from homeward.shared.instants import from_timestamp
from homeward.shared.topics import CAMERAS
from homewardapi.camera.v1.camera_pb2 import PACE_IMPORT, PACE_LIVE, Camera

NOW = datetime(2026, 11, 23, 20, 50, tzinfo=UTC)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "some footage.mp4"
    path.write_bytes(b"video")
    return path


def camera_of(camera_id: str, url: str, **options: Any) -> Camera:
    event = camera_changed(camera_id, url, NOW, **options)
    record = encode(event)
    message = decode(CAMERAS, record.key, record.value, record.headers).message
    assert isinstance(message, Camera)
    return message


def test_a_live_camera() -> None:
    camera = camera_of("north-gate", "rtsp://192.0.2.7/stream", credentials_ref="north-gate")
    assert camera.source.url == "rtsp://192.0.2.7/stream"
    assert camera.source.optional_credentials_ref == "north-gate"
    assert not camera.source.HasField("optional_recording")
    assert camera.enabled


def test_a_file_is_imported_at_its_own_time(video: Path) -> None:
    earlier = NOW - timedelta(days=2)
    recording = camera_of("north-gate", str(video), starts_at=earlier).source.optional_recording
    assert from_timestamp(recording.starts_at) == earlier
    assert recording.pace == PACE_IMPORT


def test_a_file_can_be_played_as_a_camera(video: Path) -> None:
    source = camera_of("north-gate", str(video), live=True).source
    assert source.url == video.as_uri()
    assert source.optional_recording.pace == PACE_LIVE


@pytest.mark.parametrize(
    "camera_id", ["", "North", "gate_1", "-gate", "gate-", "a" * 64, "gate/..", "gate\n"], ids=repr
)
def test_an_id_that_cannot_stand_in_a_key_is_refused(camera_id: str) -> None:
    with pytest.raises(InvalidCameraError, match="lower-case letters"):
        camera_of(camera_id, "rtsp://192.0.2.7/stream")


@pytest.mark.parametrize("url", ["rtsp://user:secret@192.0.2.7/s", "rtsp://user@192.0.2.7/s"])
def test_a_secret_in_the_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InvalidCameraError, match="--credentials") as refused:
        camera_of("gate", url)
    assert "secret" not in str(refused.value).replace("their secret", "")


def test_an_unknown_scheme_and_a_missing_file_are_refused() -> None:
    with pytest.raises(InvalidCameraError, match="ftp"):
        camera_of("gate", "ftp://192.0.2.7/s")
    with pytest.raises(InvalidCameraError, match="there is no file"):
        camera_of("gate", "missing.mp4")


@pytest.mark.parametrize("seconds", [1.9, 61, 0, -4])
def test_a_clip_too_short_or_too_long_is_refused(seconds: float) -> None:
    with pytest.raises(InvalidCameraError, match="2 to 60"):
        camera_of("gate", "rtsp://192.0.2.7/s", clip_length=timedelta(seconds=seconds))


def test_a_camera_cannot_be_placed_in_the_past() -> None:
    with pytest.raises(InvalidCameraError, match="always now"):
        camera_of("gate", "rtsp://192.0.2.7/s", starts_at=NOW)


def test_a_removal_has_no_value() -> None:
    record = encode(camera_removed("gate", NOW))
    assert record.value is None
    assert decode(CAMERAS, record.key, record.value, record.headers).message is None
