"""The command as an operator types it, on the embedded broker."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from homeward.cli.__main__ import app
from homeward.cli.context import Context
from homeward.cli.eventlog import EventLog
from homeward.ingest.cameras.sources import source_of
from homeward.shared.clock import SystemClock
from homeward.shared.events import Event, new_event
from homeward.shared.ids import clip_id, state_event_id
from homeward.shared.instants import to_duration, to_timestamp
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.runtime.topics_admin import create_topics
from homeward.shared.settings import KafkaSettings, ObjectStoreSettings
from homeward.shared.topics import CAMERA_STATUS, CAMERAS, CLIPS
from homewardapi.camera.v1.camera_pb2 import Camera
from homewardapi.camera.v1.camera_status_pb2 import (
    CAMERA_ALARM_CLOCK_DRIFT,
    CAMERA_STATE_DONE,
    CAMERA_STATE_RECORDING,
    CameraStatus,
)
from homewardapi.clip.v1.clip_pb2 import (
    GAP_CAUSE_NOT_SCHEDULED,
    GAP_CAUSE_SOURCE_LOST,
    GAP_CAUSE_SOURCE_UNREACHABLE,
    Clip,
    Gap,
    GapCause,
    StoredClip,
)
from support.studio import Studio
from support.tansu import running_tansu
from support.video import make_video

S = timedelta(seconds=1)
NONE: GapCause.ValueType | None = None


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaSettings]:
    with running_tansu(tmp_path_factory.mktemp("tansu")) as broker:
        create_topics(broker.kafka, [CAMERAS, CAMERA_STATUS, CLIPS])
        yield broker.kafka


@pytest.fixture
def producer(kafka: KafkaSettings) -> Iterator[EventProducer]:
    producer = EventProducer(kafka)
    yield producer
    producer.close()


Homeward = Callable[..., Result]


@pytest.fixture
def homeward(kafka: KafkaSettings, tmp_path: Path) -> Homeward:
    data = tmp_path / "data"
    data.mkdir()
    store = ObjectStoreSettings(
        endpoint="127.0.0.1:1", access_key=SecretStr("a"), secret_key=SecretStr("s"), secure=False
    )
    Context(kafka, store, "127.0.0.1:1", "127.0.0.1:1", "http://127.0.0.1:1", data, data, {}).save(data)

    def run(*words: str, answer: str | None = None, fails: bool = False) -> Result:
        result = CliRunner().invoke(app, ["cameras", *words, "--data", str(data)], input=answer, env={"TERM": "dumb"})
        assert (result.exit_code != 0) == fails, result.output
        return result

    return run


def camera_of(kafka: KafkaSettings, camera_id: str) -> Camera | None:
    event = EventLog(kafka).state(CAMERAS).get(camera_id)
    return event.message if event is not None and isinstance(event.message, Camera) else None


def told(camera_id: str, begins: datetime, *stretches: tuple[float, GapCause.ValueType | None]) -> list[Event]:
    events, at = [], begins
    for seconds, cause in stretches:
        ends = at + seconds * S
        clip = Clip(
            clip_id=clip_id(camera_id, at),
            camera_id=camera_id,
            starts_at=to_timestamp(at),
            ends_at=to_timestamp(ends),
        )
        if cause is None:
            clip.stored.CopyFrom(
                StoredClip(object_key="key", sha256=bytes(32), codec="h264", key_frame_interval=to_duration(S))
            )
        else:
            clip.gap.CopyFrom(Gap(cause=cause))
        events.append(new_event(CLIPS, clip.clip_id, "test", ends, clip))
        at = ends
    return events


def status_of(camera_id: str, at: datetime, state: int, **facts: object) -> Event:
    message = CameraStatus(camera_id=camera_id, measured_at=to_timestamp(at), state=state, **facts)  # type: ignore[arg-type]
    return new_event(CAMERA_STATUS, state_event_id("status", camera_id, at), "test", at, message)


def test_the_life_of_a_camera(homeward: Homeward, kafka: KafkaSettings) -> None:
    homeward(
        *("add", "north-gate", "rtsp://192.0.2.7/stream", "--name", "North gate", "--credentials", "north-gate"),
        *("--schedule", "mon-fri 07:00-19:00; sat 08:00-14:00", "--time-zone", "Asia/Taipei", "--retention", "7d"),
        *("--audio", "--transport", "udp", "--clip", "5s"),
    )
    added = camera_of(kafka, "north-gate")
    assert added is not None
    assert source_of(added).transport.value == "udp"
    assert "already" in homeward("add", "north-gate", "rtsp://192.0.2.8/stream", fails=True).stderr

    homeward("change", "north-gate", "--clip", "20s", "--schedule", "always", "--no-audio")
    changed = camera_of(kafka, "north-gate")
    assert changed is not None
    assert not changed.HasField("optional_schedule")
    assert (changed.clip_length.seconds, changed.source.audio, changed.display_name) == (20, False, "North gate")
    assert "nothing to change" in homeward("change", "north-gate", fails=True).stderr

    homeward("disable", "north-gate")
    assert "no, switched off" in homeward("list").output
    homeward("enable", "north-gate")
    shown = homeward("show", "north-gate").output
    assert all(text in shown for text in ("North gate", "udp", "7 d", "20 s", "always", "not recorded"))
    listed = [json.loads(line) for line in homeward("list", "--json").output.splitlines()]
    assert [camera["camera_id"] for camera in listed] == ["north-gate"]

    assert "left as it is" in homeward("remove", "north-gate", answer="n\n", fails=True).stderr
    assert camera_of(kafka, "north-gate") is not None
    homeward("remove", "north-gate", "--yes")
    assert camera_of(kafka, "north-gate") is None
    assert "there is no camera" in homeward("remove", "north-gate", "--yes", fails=True).stderr


def test_a_secret_in_the_url_is_refused_before_anything_is_published(homeward: Homeward, kafka: KafkaSettings) -> None:
    refused = homeward("add", "leaky", "rtsp://admin:hunter2@192.0.2.7/stream", fails=True)
    assert "--credentials" in refused.stderr
    assert "hunter2" not in refused.output + refused.stderr
    assert camera_of(kafka, "leaky") is None


def test_coverage_and_gaps_are_told_from_the_log(
    homeward: Homeward, producer: EventProducer, kafka: KafkaSettings
) -> None:
    begins = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    footage = [(10.0, NONE)] * 100
    events = told(
        "covered",
        begins,
        *footage,
        (4, GAP_CAUSE_SOURCE_LOST),
        (60, GAP_CAUSE_SOURCE_UNREACHABLE),
        (60, GAP_CAUSE_SOURCE_UNREACHABLE),
        *footage,
        (600, GAP_CAUSE_NOT_SCHEDULED),
        (10, None),
    )
    # Late, twice, and among another camera's.
    producer.send([*events[50:], *told("other", begins, *footage), *events[:60]])
    window = ("--from", begins.isoformat(), "--until", (begins + 2734 * S).isoformat())
    # 2,010 s of footage, 124 s lost, 600 s asked for.
    assert homeward("coverage", "covered", *window).output == "covered  94.18 %, 2 gaps and 10 min off schedule\n"
    gaps = [json.loads(line) for line in homeward("gaps", "covered", *window, "--json").output.splitlines()]
    assert [(gap["cause"], gap["length_s"]) for gap in gaps] == [
        ("source_lost", 4),
        ("source_unreachable", 120),
        ("not_scheduled", 600),
    ]
    shown = homeward("gaps", "covered", *window).output
    assert all(text in shown for text in ("source unreachable", "2 min", "94.18 %, 2 gaps"))
    full = json.loads(homeward("coverage", "other", "covered", *window[:2], "--json").output.splitlines()[1])
    assert (full["camera_id"], full["percent"], full["footage_s"]) == ("other", 100.0, 1000.0)
    assert homeward("coverage", "unknown", "--last", "1h").output == "unknown  1 h not told\n"
    assert "window is empty" in homeward("gaps", "covered", "--last", "0s", fails=True).stderr
    assert EventLog(kafka).snapshot(CLIPS)


def test_the_status_of_cameras(homeward: Homeward, producer: EventProducer) -> None:
    now = datetime.now(UTC)
    homeward("add", "silent", "rtsp://192.0.2.8/stream")
    homeward("add", "south", "rtsp://192.0.2.9/stream")
    facts = {
        "bits_per_s": 4_100_000,
        "frames_per_s": 24.96,
        "optional_codec": "hevc",
        "optional_audio_codec": "aac",
        "optional_width_px": 1920,
        "optional_height_px": 1080,
        "optional_clock_offset": to_duration(timedelta(seconds=-1.25)),
        "optional_clock_drift_ppm": 61.0,
        "optional_through": to_timestamp(now - 12 * S),
        "alarms": [CAMERA_ALARM_CLOCK_DRIFT],
    }
    producer.send(
        [
            status_of("south", now - 60 * S, CAMERA_STATE_DONE),
            status_of("south", now, CAMERA_STATE_RECORDING, **facts),
        ]
    )
    shown = homeward("status", "south", "silent").output
    row = next(line for line in shown.splitlines() if "south" in line)
    for text in ("recording", "hevc 1920x1080 + aac, 25.0 frames/s, 4100 kbit/s", "-1.250 s, +61 ppm", "clock drift"):
        assert text in row
    assert "no recorder tells of it" in next(line for line in shown.splitlines() if "silent" in line)
    lines = [json.loads(line) for line in homeward("status", "--json").output.splitlines()]
    assert {line["camera_id"] for line in lines} >= {"south", "silent"}
    homeward("remove", "silent", "--yes")
    homeward("remove", "south", "--yes")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "old footage"
    path.mkdir()
    return path


def test_a_folder_is_imported(
    homeward: Homeward, kafka: KafkaSettings, producer: EventProducer, folder: Path, studio: Studio
) -> None:
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    film = make_video(folder.parent / "film.mp4", gop=20, seconds=8)
    for seconds in (0, 20):
        (folder / f"cam1-{start + seconds * S:%Y%m%d-%H%M%S}.mp4").write_bytes(film.read_bytes())
    pattern = ("--name-pattern", "cam1-%Y%m%d-%H%M%S", "--clip", "4s")

    def recorder() -> None:
        """Do what the service does: see the camera, record it, announce it, tell that it is done."""
        stop = threading.Event()
        for event in EventLog(kafka).follow([CAMERAS], stop, from_start=True):
            if event is not None and isinstance(event.message, Camera) and event.key == "old":
                studio.record(source_of(event.message))
                producer.send(studio.producer.events)
                through = studio.spool.state("old").through
                assert through is not None
                now = SystemClock().now()
                producer.send([status_of("old", now, CAMERA_STATE_DONE, optional_through=to_timestamp(through))])
                return

    assert "cam1-" in homeward("import", "old", str(folder), *pattern, "--dry-run").output
    assert camera_of(kafka, "old") is None
    thread = threading.Thread(target=recorder, daemon=True)
    thread.start()
    done = homeward("import", "old", str(folder), *pattern, "--yes")
    thread.join(20)
    assert not thread.is_alive()
    assert "4 clips and 1 gap are announced" in done.output
    covered = homeward("coverage", "old", "--from", start.isoformat(), "--until", (start + 28 * S).isoformat()).output
    assert covered == "old  57.14 %, 1 gap\n"

    (folder / "holiday.mp4").write_bytes(b"film")
    refused = homeward("import", "old", str(folder), *pattern, "--yes", fails=True)
    assert "holiday.mp4: the name does not match the pattern" in refused.stderr
    another = homeward("import", "old", str(folder.parent), "--yes", "--name-pattern", "%Y%m%d%H%M", fails=True)
    assert "film.mp4" in another.stderr
