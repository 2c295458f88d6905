from datetime import timedelta

import pytest

from homeward.ingest.assignment import HashAssignment
from homeward.ingest.sources import Pacing, SourceRefusedError, source_of
from homeward.shared.instants import to_duration, to_timestamp
from homewardapi.camera.v1.camera_pb2 import Camera, Pace, Recording, Source
from support.recording import NOON


def camera(url: str, *, clip_s: float = 10, recording: Recording | None = None, ref: str | None = None) -> Camera:
    source = Source(url=url, optional_recording=recording, optional_credentials_ref=ref)
    length = to_duration(timedelta(seconds=clip_s))
    return Camera(camera_id="door-1", display_name="Door", source=source, clip_length=length, enabled=True)


def recording(pace: Pace.ValueType = Pace.PACE_IMPORT) -> Recording:
    return Recording(starts_at=to_timestamp(NOON), pace=pace)


def test_a_live_camera_is_read() -> None:
    spec = source_of(camera("rtsp://camera.test:554/a?b=c", ref="door"))
    assert (spec.camera_id, spec.scheme, spec.credentials_ref, spec.recording) == ("door-1", "rtsp", "door", None)


def test_a_file_is_read_with_its_escapes() -> None:
    spec = source_of(camera("file:///srv/a%20b.mp4", recording=recording(Pace.PACE_LIVE)))
    assert spec.path == "/srv/a b.mp4"
    assert spec.recording is not None
    assert (spec.recording.starts_at, spec.recording.pacing) == (NOON, Pacing.LIVE)


@pytest.mark.parametrize(
    "url",
    ["rtsp://admin:hunter2@camera.test/1", "rtsp://admin@camera.test/1", "http://:hunter2@camera.test/", "rtsp://@c/"],
)
def test_a_url_with_a_user_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(SourceRefusedError, match=r"camera door-1: .*credentials") as refused:
        source_of(camera(url))
    assert "hunter2" not in str(refused.value)
    assert "admin" not in str(refused.value)
    assert "camera.test" not in str(refused.value)


@pytest.mark.parametrize(
    "message",
    [
        camera("ftp://camera.test/1"),
        camera("rtsp:///1"),
        camera("concat:/etc/passwd"),
        camera("rtsp://camera.test:port/"),
        camera("file:///a.mp4"),
        camera("file://elsewhere/a.mp4", recording=recording()),
        camera("file:///a.mp4", recording=recording(), ref="door"),
        camera("file:///a.mp4", recording=recording(Pace.PACE_UNSPECIFIED)),
        camera("rtsp://camera.test/1", recording=recording()),
        camera("rtsp://camera.test/1", clip_s=1.9),
        camera("rtsp://camera.test/1", clip_s=61),
    ],
)
def test_what_cannot_be_recorded_is_refused_by_name(message: Camera) -> None:
    with pytest.raises(SourceRefusedError, match="camera door-1"):
        source_of(message)


def test_an_id_that_would_leave_its_folder_is_refused() -> None:
    message = camera("rtsp://camera.test/1")
    message.camera_id = "../elsewhere"
    with pytest.raises(SourceRefusedError):
        source_of(message)


def test_an_import_is_known_by_camera_source_start_and_content() -> None:
    spec = source_of(camera("file:///a.mp4", recording=recording()))
    other = source_of(camera("file:///b.mp4", recording=recording()))
    assert spec.recording_id("x") == spec.recording_id("x")
    assert len({spec.recording_id("x"), spec.recording_id("y"), other.recording_id("x")}) == 3


def test_each_camera_is_recorded_by_one_replica() -> None:
    replicas = [HashAssignment(index, 3) for index in range(3)]
    cameras = [f"cam-{index}" for index in range(300)]
    owners = [[r.replica_index for r in replicas if r.records(name)] for name in cameras]
    assert all(len(found) == 1 for found in owners)
    assert all(60 < sum(found == [index] for found in owners) < 140 for index in range(3))
    # The hash is what replicas of different releases agree on: it may not change.
    assert [owners[index][0] for index in range(6)] == [1, 0, 2, 1, 2, 0]


def test_a_replica_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="not one of"):
        HashAssignment(2, 2)
