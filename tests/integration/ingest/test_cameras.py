"""A camera over RTSP: cut off and back, behind a password, behind FFmpeg's probing."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from homeward.ingest.cameras.sources import SourceSpec
from homewardapi.clip.v1.clip_pb2 import Clip, GapCause
from support.rtsp_server import RtspCamera
from support.studio import Studio
from support.video import make_video, nal_units


def spec(url: str, credentials_ref: str | None = None) -> SourceSpec:
    return SourceSpec("cam-1", url, credentials_ref, timedelta(seconds=2), None)


def told(clip: Clip) -> str:
    return GapCause.Name(clip.gap.cause) if clip.HasField("gap") else "footage"


def assert_tiles(clips: list[Clip]) -> None:
    for before, after in pairwise(clips):
        assert before.ends_at == after.starts_at
    assert len({clip.clip_id for clip in clips}) == len(clips)


def length(clips: list[Clip]) -> timedelta:
    return sum((c.ends_at.ToDatetime() - c.starts_at.ToDatetime() for c in clips), timedelta(0))


@pytest.mark.parametrize("b_frames", [0, 2])
def test_a_camera_that_is_cut_off_and_comes_back(studio: Studio, tmp_path: Path, b_frames: int) -> None:
    video = make_video(tmp_path / "source.mp4", gop=10, seconds=10, b_frames=b_frames)
    with RtspCamera(video) as camera, studio.recording(spec(camera.url)):
        studio.clock.sleep(7)
        camera.unplug()
        studio.clock.sleep(2)
        camera.plug_in()
        studio.clock.sleep(6)
    ended = datetime.now(UTC)
    clips = list(studio.clips())
    assert_tiles(clips)
    words = [told(clip) for clip in clips]
    assert words[0] == words[-1] == "footage"
    assert {"GAP_CAUSE_SOURCE_LOST", "GAP_CAUSE_SOURCE_UNREACHABLE"} & set(words)
    # What was told is the time that passed; frames that FFmpeg kept back while it probed have their own times.
    assert abs(clips[0].starts_at.ToDatetime(tzinfo=UTC) - camera.played_at[0]) < timedelta(seconds=0.5)
    assert abs(clips[-1].ends_at.ToDatetime(tzinfo=UTC) - ended) < timedelta(seconds=2.6)
    gaps = length([clip for clip in clips if told(clip) != "footage"])
    assert timedelta(seconds=1) < gaps < timedelta(seconds=5)
    # Nothing was encoded anew: every unit stands in the source.
    source = set(nal_units(video))
    recorded = [unit for path in studio.files() for unit in nal_units(path)]
    assert len(recorded) > 80
    assert [unit for unit in recorded if unit not in source and unit[0] & 0x1F in (1, 5)] == []


def test_a_password_is_used_and_never_told(studio: Studio, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    video = make_video(tmp_path / "source.mp4", gop=10, seconds=10, b_frames=0)
    (studio.credentials / "door").write_text("admin:hunter@2/:?\n")
    with RtspCamera(video, login="admin:hunter@2/:?") as camera:
        with studio.recording(spec(camera.url, "door")):
            studio.clock.sleep(5)
        (studio.credentials / "door").write_text("admin:wrong-word\n")
        with studio.recording(spec(camera.url, "door")):
            studio.clock.sleep(1)
    assert "footage" in [told(clip) for clip in studio.clips()]
    assert camera.refused >= 1
    output = capfd.readouterr()
    spooled = b"".join(path.read_bytes() for path in studio.spool._folder.rglob("*") if path.is_file())
    for secret in ("hunter", "wrong-word", "admin", "127.0.0.1"):
        assert secret not in output.out + output.err
        assert secret.encode() not in spooled


def test_a_camera_that_never_answers_is_told_as_a_gap(studio: Studio) -> None:
    with studio.recording(spec("rtsp://127.0.0.1:9/live")):
        studio.clock.sleep(1.5)
    clips = list(studio.clips())
    assert_tiles(clips)
    assert {told(clip) for clip in clips} == {"GAP_CAUSE_SOURCE_UNREACHABLE"}
    assert timedelta(seconds=1) < length(clips) < timedelta(seconds=3)
