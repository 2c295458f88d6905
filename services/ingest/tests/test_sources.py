from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from homeward.ingest.cameras.sources import FolderSpec, Pacing, SourceRefusedError, Transport, source_of
from homeward.shared.instants import from_timestamp, to_duration, to_timestamp
from homewardapi.camera.v1 import camera_pb2
from homewardapi.camera.v1.camera_pb2 import Camera, Pace, Recording, RecordingFolder, Source
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


def test_a_file_is_recorded_without_the_credentials_that_it_does_not_need() -> None:
    assert source_of(camera("file:///a.mp4", recording=recording(), ref="door")).credentials_ref is None


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://admin:hunter2@camera.test/1",
        "rtsp://admin@camera.test/1",
        "http://:hunter2@camera.test/",
        "rtsp://@c/",
        "rtsp://camera.test/?user=admin&password=hunter2",
        "rtsp://camera.test/user=admin_password=hunter2_channel=1",
        "https://camera.test/live.ts?Token=hunter2",
    ],
)
def test_a_url_with_a_secret_is_refused_and_not_repeated(url: str) -> None:
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


def changed(message: Camera, **fields: object) -> Camera:
    source = Source(**fields)  # type: ignore[arg-type]  # the fields of one message
    message.source.MergeFrom(source)
    return message


def test_a_camera_is_always_recorded_without_sound_over_tcp_unless_it_says_otherwise() -> None:
    spec = source_of(camera("rtsp://camera.test/1"))
    assert (spec.audio, spec.transport, spec.schedule, spec.retention, spec.folder) == (
        False,
        Transport.TCP,
        None,
        None,
        None,
    )
    assert spec.live


def test_sound_transport_schedule_and_retention_are_read() -> None:
    message = changed(camera("rtsp://camera.test/1"), audio=True, optional_transport=camera_pb2.TRANSPORT_UDP)
    message.optional_schedule.time_zone = "Asia/Taipei"
    message.optional_retention.FromTimedelta(timedelta(hours=1))
    spec = source_of(message)
    assert (spec.audio, spec.transport, spec.retention) == (True, Transport.UDP, timedelta(hours=1))
    assert spec.schedule is not None
    assert not spec.schedule.records_at(NOON)
    # What has not changed does not end a recording.
    assert spec == source_of(message)


def test_a_folder_places_its_files_by_name_or_by_themselves() -> None:
    named = RecordingFolder(optional_name_pattern="cam1-%Y%m%d-%H%M%S", optional_time_zone="Asia/Taipei")
    spec = source_of(changed(camera("file:///srv/old/"), optional_folder=named))
    asked_at = from_timestamp(camera("file:///srv/old/").changed_at)
    assert spec.folder == FolderSpec("cam1-%Y%m%d-%H%M%S", ZoneInfo("Asia/Taipei"), asked_at)
    assert not spec.live
    plain = source_of(changed(camera("file:///srv/old/"), optional_folder=RecordingFolder()))
    assert plain.folder == FolderSpec(None, ZoneInfo("UTC"), asked_at)


def test_a_folder_that_is_asked_for_again_is_looked_through_again() -> None:
    message = changed(camera("file:///srv/old/"), optional_folder=RecordingFolder())
    before = source_of(message)
    message.changed_at.FromDatetime(NOON)
    assert source_of(message) != before


def retained(span: timedelta) -> Camera:
    message = camera("rtsp://camera.test/1")
    message.optional_retention.FromTimedelta(span)
    return message


def scheduled(zone: str, weekday: camera_pb2.Weekday.ValueType = camera_pb2.WEEKDAY_MONDAY) -> Camera:
    message = camera("rtsp://camera.test/1")
    message.optional_schedule.time_zone = zone
    message.optional_schedule.spans.add(weekday=weekday, from_minute=0, until_minute=60)
    return message


@pytest.mark.parametrize(
    ("message", "advice"),
    [
        (changed(camera("rtsps://camera.test/1"), optional_transport=camera_pb2.TRANSPORT_UDP), "leave"),
        (changed(camera("http://camera.test/1"), optional_transport=camera_pb2.TRANSPORT_TCP), "leave"),
        (
            changed(camera("rtsp://camera.test/1"), optional_transport=camera_pb2.TRANSPORT_UNSPECIFIED),
            "set TCP or UDP",
        ),
        (retained(timedelta(minutes=59)), "1 h and 30 days"),
        (retained(timedelta(days=30, seconds=1)), "1 h and 30 days"),
        (scheduled("Mars/Olympus"), "IANA"),
        (scheduled("UTC", camera_pb2.WEEKDAY_UNSPECIFIED), "day of the week"),
        (changed(camera("rtsp://camera.test/1/"), optional_folder=RecordingFolder()), "file:///"),
        (changed(camera("file:///srv/old"), optional_folder=RecordingFolder()), "slash at the end"),
        (changed(camera("file:///srv/old/"), optional_recording=recording()), "optional_folder"),
        (
            changed(
                camera("file:///srv/old/"),
                optional_folder=RecordingFolder(optional_name_pattern="cam1-%Y%m%d"),
            ),
            "strptime",
        ),
        (changed(camera("file:///srv/old/"), optional_folder=RecordingFolder(optional_time_zone="Mars")), "IANA"),
    ],
)
def test_a_refusal_names_the_camera_and_says_what_to_do_and_never_the_url(message: Camera, advice: str) -> None:
    with pytest.raises(SourceRefusedError, match=f"camera door-1: .*{advice}") as refused:
        source_of(message)
    assert "camera.test" not in str(refused.value)
    assert "srv" not in str(refused.value)
