"""Files in, clips out: the same packets, whatever the container made of their time stamps."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import av
import pytest

from homeward.ingest.cameras.sources import Pacing, RecordingSpec, SourceSpec
from homewardapi.clip.v1.clip_pb2 import Clip
from support.data import videos
from support.studio import Studio
from support.video import make_video, nal_units, packet_hashes

STARTS_AT = datetime(2026, 11, 23, 8, tzinfo=UTC)


def spec(path: Path, clip_s: float = 4, pacing: Pacing = Pacing.IMPORT) -> SourceSpec:
    recording = RecordingSpec(STARTS_AT, pacing)
    return SourceSpec("cam-1", path.as_uri(), None, timedelta(seconds=clip_s), recording)


def assert_playable(path: Path, clip: Clip) -> None:
    """Every frame decodes, the first at 0 and none past the clip's end."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.extradata
        frames = list(container.decode(stream))
    assert len(frames) == clip.stored.frame_count
    assert frames[0].key_frame
    assert frames[0].time == 0
    times = [frame.time for frame in frames]
    assert times == sorted(times)
    length_s = (clip.ends_at.ToDatetime() - clip.starts_at.ToDatetime()).total_seconds()
    assert times[-1] < length_s
    content = path.read_bytes()
    assert content[4:8] == b"ftyp"
    assert b"moof" in content
    assert (clip.stored.size_bytes, clip.stored.sha256) == (len(content), hashlib.sha256(content).digest())


def assert_recorded(studio: Studio, source: Path, seconds: float) -> None:
    clips = studio.clips()
    files = studio.files()
    assert len(files) == len(clips)
    if source.suffix == ".ts":
        # MPEG-TS has start codes, MP4 has lengths: the units between them are the same.
        assert [unit for path in files for unit in nal_units(path)] == nal_units(source)
    else:
        assert [digest for path in files for digest in packet_hashes(path)] == packet_hashes(source)
    for path, clip in zip(files, clips, strict=True):
        assert_playable(path, clip)
    assert clips[0].starts_at.ToDatetime(tzinfo=UTC) == STARTS_AT
    for before, after in pairwise(clips):
        assert before.ends_at == after.starts_at
    length = clips[-1].ends_at.ToDatetime(tzinfo=UTC) - STARTS_AT
    assert length.total_seconds() == pytest.approx(seconds, abs=0.2)


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize("groups", [(100, 3), (10, 0), (25, 2)])
def test_generated_video(studio: Studio, tmp_path: Path, codec: str, suffix: str, groups: tuple[int, int]) -> None:
    gop, b_frames = groups
    source = make_video(tmp_path / f"source.{suffix}", codec=codec, gop=gop, b_frames=b_frames, seconds=25)
    studio.record(spec(source))
    assert_recorded(studio, source, 25)
    clip = studio.clips()[0]
    assert clip.stored.codec == ("h264" if codec == "libx264" else "hevc")
    assert (clip.stored.width_px, clip.stored.height_px) == (192, 108)
    assert clip.stored.key_frame_interval.ToTimedelta() == timedelta(seconds=gop / 10)
    # An edit list stands only where frames are reordered.
    assert all((b"elst" in path.read_bytes()) == (b_frames > 0) for path in studio.files())


def test_a_doorbell_whose_first_stamp_is_not_zero_and_whose_rate_varies(studio: Studio) -> None:
    source = videos() / "doorbell-person.mkv"
    studio.record(spec(source, 2))
    assert_recorded(studio, source, 5.9)


def test_a_long_corridor(studio: Studio) -> None:
    source = videos() / "one-by-one-person-detection.mp4"
    studio.record(spec(source, 10))
    assert_recorded(studio, source, 139.4)
    assert len(studio.clips()) == 14


def test_a_second_run_gives_the_same_ids_keys_and_bytes(new_studio: Callable[[str], Studio], tmp_path: Path) -> None:
    source = make_video(tmp_path / "source.mp4", gop=10)
    first, second = new_studio("first"), new_studio("second")
    first.record(spec(source))
    second.record(spec(source))
    assert first.producer.events == second.producer.events
    assert [path.read_bytes() for path in first.files()] == [path.read_bytes() for path in second.files()]


def test_a_recording_is_not_recorded_twice_and_a_changed_one_is(studio: Studio, tmp_path: Path) -> None:
    source = make_video(tmp_path / "source.mp4", gop=10, seconds=8)
    studio.record(spec(source))
    once = len(studio.clips())
    studio.record(spec(source))
    assert len(studio.clips()) == once
    make_video(source, gop=20, seconds=8)
    studio.record(spec(source))
    assert len(studio.clips()) > once


def test_a_live_pace_takes_as_long_as_the_video(studio: Studio, tmp_path: Path) -> None:
    source = make_video(tmp_path / "source.mp4", gop=10, seconds=3)
    began_s = studio.clock.monotonic()
    studio.record(spec(source, 2, Pacing.LIVE))
    assert 2.8 <= studio.clock.monotonic() - began_s < 6
    assert_recorded(studio, source, 3)


def test_a_recording_cut_short_keeps_what_can_be_read(studio: Studio, tmp_path: Path) -> None:
    whole = make_video(tmp_path / "whole.mkv", gop=10, seconds=20, b_frames=0)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    studio.record(spec(cut))
    hashes = [digest for path in studio.files() for digest in packet_hashes(path)]
    assert hashes[:-1] == packet_hashes(whole)[: len(hashes) - 1]
    assert len(hashes) > 100


def test_garbage_in_the_middle_disturbs_its_own_clip_alone(studio: Studio, tmp_path: Path) -> None:
    whole = make_video(tmp_path / "whole.ts", gop=10, seconds=30, b_frames=0)
    content = bytearray(whole.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = hashlib.sha256(b"noise").digest() * 62 + b"\xff" * 16
    spoilt = tmp_path / "spoilt.ts"
    spoilt.write_bytes(bytes(content))
    studio.record(spec(spoilt))
    clips = studio.clips()
    for before, after in pairwise(clips):
        assert before.ends_at.ToDatetime() <= after.starts_at.ToDatetime()
    units = {unit for path in studio.files() for unit in nal_units(path)}
    assert len(units & set(nal_units(whole))) > 0.9 * len(set(nal_units(whole)))


def test_what_is_no_video_is_tried_again_and_holds_nobody_up(studio: Studio, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.mp4"
    garbage.write_bytes(b"this is no video" * 1000)
    good = make_video(tmp_path / "good.mp4", gop=10, seconds=4)
    with studio.recording(spec(garbage)):
        other = SourceSpec("cam-2", good.as_uri(), None, timedelta(seconds=2), spec(good).recording)
        studio.record(other)
    assert {clip.camera_id for clip in studio.clips()} == {"cam-2"}


def test_a_playlist_cannot_reach_other_files(studio: Studio, tmp_path: Path) -> None:
    secret = make_video(tmp_path / "secret.ts", gop=10, seconds=4)
    playlist = tmp_path / "playlist.m3u8"
    playlist.write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nhttp://127.0.0.1:9/{secret.name}\n#EXT-X-ENDLIST\n"
    )
    with studio.recording(spec(playlist)):
        studio.clock.sleep(0.5)
    assert studio.clips() == []
