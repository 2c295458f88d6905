"""What the command publishes of a camera, a recorder understands; what it refuses, a recorder refuses as well."""

from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest

from homeward.cli.camera import InvalidCameraError, Transport, Wish, new_camera
from homeward.cli.weekly import parse_schedule
from homeward.ingest.cameras.sources import SourceRefusedError, source_of
from homewardapi.camera.v1.camera_pb2 import Camera

NOW = datetime(2026, 11, 23, 20, 50, tzinfo=UTC)


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, str]:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"film")
    return {
        "rtsp": "rtsp://192.0.2.7:554/stream",
        "rtsps": "rtsps://192.0.2.7/stream",
        "http": "http://192.0.2.7/stream.mjpeg",
        "file": str(film),
        "folder": str(tmp_path),
    }


def test_every_camera_that_the_command_takes_is_one_that_a_recorder_takes(sources: dict[str, str]) -> None:
    taken = refused = 0
    for kind, credentials, retention, schedule, transport, pattern, live in product(
        sources,
        (None, "north-gate", "a:b"),
        (None, timedelta(hours=1), timedelta(days=30), timedelta(days=31)),
        (None, parse_schedule("daily 22:00-06:00", "Europe/Berlin")),
        (None, *Transport),
        (None, "%Y%m%d-%H%M%S", "%H"),
        (None, True),
    ):
        wish = Wish(
            sources[kind],
            credentials_ref=credentials,
            retention=retention,
            schedule=schedule,
            transport=transport,
            name_pattern=pattern,
            live=live,
            audio=True,
        )
        try:
            camera = new_camera("north-gate", wish, NOW)
        except InvalidCameraError:
            refused += 1
            continue
        taken += 1
        spec = source_of(camera)
        assert (spec.retention, spec.schedule is None) == (retention, schedule is None)
        assert spec.credentials_ref == credentials
        assert spec.transport.value == (transport or Transport.TCP).value
        assert (spec.folder is not None, spec.recording is not None) == (kind == "folder", kind == "file")
    assert taken > 50
    assert refused > 100


@pytest.mark.parametrize("seconds", [1.9, 60.1])
def test_neither_takes_a_clip_that_is_too_short_or_too_long(seconds: float) -> None:
    wish = Wish("rtsp://192.0.2.7/stream")
    camera = new_camera("north-gate", wish, NOW)
    camera.clip_length.FromTimedelta(timedelta(seconds=seconds))
    with pytest.raises(SourceRefusedError):
        source_of(camera)
    with pytest.raises(InvalidCameraError):
        new_camera("north-gate", Wish("rtsp://192.0.2.7/stream", clip_length=timedelta(seconds=seconds)), NOW)


def test_a_camera_that_nobody_described_is_refused() -> None:
    with pytest.raises(SourceRefusedError):
        source_of(Camera())
