"""What an operator may say of a camera, and what the event then says."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from homeward.cli.camera import ALWAYS, InvalidCameraError, Transport, Wish, changed_camera, new_camera
from homeward.cli.weekly import parse_schedule
from homeward.shared.instants import from_duration, from_timestamp
from homewardapi.camera.v1.camera_pb2 import PACE_IMPORT, PACE_LIVE, TRANSPORT_UDP, Camera

NOW = datetime(2026, 11, 23, 20, 50, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
URL = "rtsp://192.0.2.7/stream"
HOURS = parse_schedule("mon-fri 07:00-19:00", "Asia/Taipei")


def changed(camera: Camera, **wish: object) -> Camera:
    return changed_camera(camera, Wish(**wish), LATER)  # type: ignore[arg-type]


@pytest.fixture
def camera() -> Camera:
    wish = Wish(
        URL,
        display_name="North gate",
        credentials_ref="north-gate",
        clip_length=timedelta(seconds=5),
        retention=timedelta(days=7),
        schedule=HOURS,
        audio=True,
        transport=Transport.UDP,
    )
    return new_camera("north-gate", wish, NOW)


def test_everything_that_is_said_is_in_the_event(camera: Camera) -> None:
    assert camera.display_name == "North gate"
    assert camera.source.optional_credentials_ref == "north-gate"
    assert camera.source.audio
    assert camera.source.optional_transport == TRANSPORT_UDP
    assert from_duration(camera.clip_length) == timedelta(seconds=5)
    assert from_duration(camera.optional_retention) == timedelta(days=7)
    assert camera.optional_schedule == HOURS
    assert camera.enabled


def test_a_change_changes_what_is_named_and_nothing_else(camera: Camera) -> None:
    after = changed(camera, enabled=False)
    assert not after.enabled
    assert from_timestamp(after.changed_at) == LATER
    after.enabled = True
    after.changed_at.CopyFrom(camera.changed_at)
    assert after == camera


def test_limits_are_taken_away_again(camera: Camera) -> None:
    after = changed(camera, retention=ALWAYS, schedule=ALWAYS, credentials_ref=ALWAYS)
    assert not after.HasField("optional_retention")
    assert not after.HasField("optional_schedule")
    assert not after.source.HasField("optional_credentials_ref")


def test_a_camera_that_changes_its_kind_loses_what_belongs_to_the_old_one(camera: Camera, tmp_path: Path) -> None:
    after = changed(camera, source="https://192.0.2.7/stream.mjpeg")
    assert not after.source.HasField("optional_transport")
    file = tmp_path / "old.mp4"
    file.write_bytes(b"film")
    film = changed(camera, source=str(file), credentials_ref=ALWAYS)
    assert film.source.optional_recording.pace == PACE_IMPORT
    assert from_timestamp(film.source.optional_recording.starts_at) == LATER
    assert not changed(film, source=URL).source.HasField("optional_recording")


def test_a_file_keeps_its_time_when_its_pace_changes(tmp_path: Path) -> None:
    file = tmp_path / "old.mp4"
    file.write_bytes(b"film")
    film = new_camera("old", Wish(str(file), starts_at=NOW - timedelta(days=1)), NOW)
    after = changed(film, live=True).source.optional_recording
    assert from_timestamp(after.starts_at) == NOW - timedelta(days=1)
    assert after.pace == PACE_LIVE


def test_a_folder_is_a_url_with_a_slash_and_a_pattern(tmp_path: Path) -> None:
    wish = Wish(str(tmp_path), name_pattern="cam1-%Y%m%d-%H%M%S", time_zone="Asia/Taipei")
    source = new_camera("old", wish, NOW).source
    assert source.url == tmp_path.as_uri() + "/"
    assert source.optional_folder.optional_name_pattern == "cam1-%Y%m%d-%H%M%S"
    assert source.optional_folder.optional_time_zone == "Asia/Taipei"
    assert not source.HasField("optional_recording")


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://user:secret@192.0.2.7/s",
        "rtsp://user@192.0.2.7/s",
        "rtsp://@192.0.2.7/s",
        "http://192.0.2.7/s?channel=1&password=secret",
        "rtsp://192.0.2.7/user=admin&password=secret&channel=1",
        "https://192.0.2.7/s?Token=secret",
        "http://192.0.2.7/s?usr=admin&pw=secret",
        "rtsp://192.0.2.7/user=admin_password=secret_channel=1",
    ],
)
def test_a_url_with_a_secret_is_refused_with_the_way_to_do_it_and_without_the_secret(url: str) -> None:
    with pytest.raises(InvalidCameraError, match="--credentials") as refused:
        new_camera("north-gate", Wish(url), NOW)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("reference", ["user:secret", "../secret", "/etc/secret", "", "a b"])
def test_credentials_that_are_no_name_are_refused_and_not_repeated(reference: str) -> None:
    with pytest.raises(InvalidCameraError, match="name of a file") as refused:
        new_camera("north-gate", Wish(URL, credentials_ref=reference), NOW)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("wish", "advice"),
    [
        (Wish(URL, retention=timedelta(days=31)), "1 h to 30 d"),
        (Wish(URL, retention=timedelta(minutes=59)), "1 h to 30 d"),
        (Wish(URL, clip_length=timedelta(seconds=61)), "2 to 60 s"),
        (Wish("https://192.0.2.7/s", transport=Transport.UDP), "rtsp://"),
        (Wish(URL, live=True), "camera is always now"),
        (Wish(URL, name_pattern="%Y%m%d-%H%M%S"), "folder"),
        (Wish(URL, display_name=" "), "name is empty"),
        (Wish("rtsp:///s"), "names no host"),
        (Wish("rtsp://192.0.2.7:port/s"), "no URL"),
        (Wish("ftp://192.0.2.7/s"), "use one of"),
        (Wish("file://camera/s.mp4"), "absolute path"),
        (Wish(), "source"),
    ],
    ids=str,
)
def test_what_a_recorder_would_refuse_is_refused_with_advice(wish: Wish, advice: str) -> None:
    with pytest.raises(InvalidCameraError, match=advice):
        new_camera("north-gate", wish, NOW)


def test_a_folder_s_pattern_and_zone_are_checked(tmp_path: Path) -> None:
    with pytest.raises(InvalidCameraError, match="strptime"):
        new_camera("old", Wish(str(tmp_path), name_pattern="cam1"), NOW)
    with pytest.raises(InvalidCameraError, match="Asia/Taipei"):
        new_camera("old", Wish(str(tmp_path), time_zone="Taipei"), NOW)
    with pytest.raises(InvalidCameraError, match="one file"):
        new_camera("old", Wish(str(tmp_path), starts_at=NOW), NOW)
