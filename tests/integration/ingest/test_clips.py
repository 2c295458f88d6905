"""Packets into MP4, through the feed and FFmpeg's muxer: both tracks as they came, and nothing that does not decode."""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import pytest

from homeward.ingest.adapters.pyav_proof import decodes
from homeward.ingest.adapters.pyav_source import silence_ffmpeg
from homeward.ingest.adapters.pyav_writer import PyavWriters
from homeward.ingest.cameras.sources import Pacing, RecordingSpec, SourceSpec
from homeward.ingest.media.coverage import Cause
from homeward.ingest.media.packets import Packet, Stamped, Track
from homeward.ingest.media.stretches import Footage
from homeward.ingest.ports import AudioFormat, ClipWriteError, Entry, VideoSession
from support.recording import NOON, ManualStop, World, recorded
from support.sound import make_film
from support.video import HEIGHT_PX, WIDTH_PX, behind_lengths, make_video

SOUNDS = [("aac", "mkv"), ("libopus", "mkv"), ("pcm_alaw", "mov"), ("pcm_mulaw", "mov")]


class FilmSession:
    """The port `VideoSession` on a file with sound; `spoil` may change or leave out packets."""

    width_px = WIDTH_PX
    height_px = HEIGHT_PX

    def __init__(self, path: Path, spoilt: dict[int, bytes] | None = None, *, heard: bool = True) -> None:
        """`spoilt` holds other content for packets of video, by their place; without `heard`, no sound comes."""
        self._container: Any = av.open(str(path))
        self.length: timedelta | None = None
        self._spoilt = spoilt or {}
        self._heard = heard
        self.stream: Any = self._container.streams.video[0]
        self.codec = str(self.stream.codec_context.codec.canonical_name)
        self.time_base = cast("Fraction", self.stream.time_base)
        self.audio_stream: Any = next(iter(self._container.streams.audio), None)
        self.audio: AudioFormat | None = None
        if self.audio_stream is not None:
            name = self.audio_stream.codec_context.codec.canonical_name
            self.audio = AudioFormat(name, cast("Fraction", self.audio_stream.time_base))

    def sent_at(self, pts: int) -> datetime | None:  # noqa: ARG002 - the port's
        return None

    def packets(self) -> Iterator[Packet]:
        place = -1
        for packet in self._container.demux():
            if not packet.size:
                continue
            video = packet.stream is self.stream
            if not video and not self._heard:
                continue
            payload, place = packet, place + video
            if video and place in self._spoilt:
                payload = av.Packet(self._spoilt[place])
                payload.duration, payload.is_keyframe = packet.duration, packet.is_keyframe
            yield Packet(
                packet.pts,
                packet.dts,
                packet.duration or 0,
                packet.is_keyframe,
                payload,
                Track.VIDEO if video else Track.AUDIO,
            )

    def close(self) -> None:
        self._container.close()


class FilmSources:
    def __init__(self, session: VideoSession) -> None:
        self._session = session

    def open(self, spec: SourceSpec) -> VideoSession:  # noqa: ARG002 - the port's
        return self._session

    def content(self, spec: SourceSpec) -> str:  # noqa: ARG002 - the port's
        return "film"


def record(folder: Path, session: VideoSession, clip_s: float = 4) -> tuple[list[Entry], list[Path]]:
    """Record the film to its end; return what was spooled and the clips."""
    silence_ffmpeg()
    world = World(folder)
    entries: list[Entry] = []
    files: list[Path] = []
    spec = recorded(RecordingSpec(NOON, Pacing.IMPORT), clip_s=clip_s)
    world.run(FilmSources(session), PyavWriters(), spec, ManualStop(world.clock))
    while (entry := world.spool.claim(0)) is not None:
        entries.append(entry)
        if entry.path is not None:
            files.append(entry.path.rename(folder / f"{len(files)}.mp4"))
        world.spool.free(entry)
    return entries, files


def hashes(path: Path, kind: str) -> list[str]:
    with av.open(str(path)) as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        return [hashlib.sha256(bytes(packet)).hexdigest() for packet in container.demux(stream) if packet.size]


def heard(path: Path) -> list[bytes]:
    """Return the sound that comes after the first picture: what came before it belongs to no clip."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux() if packet.size]
        first = next(place for place, packet in enumerate(packets) if packet.stream.type == "video")
        return [bytes(packet) for packet in packets[first:] if packet.stream.type == "audio"]


def footage(entries: list[Entry]) -> list[Footage]:
    return [entry.stretch.outcome for entry in entries if isinstance(entry.stretch.outcome, Footage)]


@pytest.mark.parametrize(
    ("audio", "suffix", "video", "b_frames"),
    [
        *((audio, suffix, "libx264", 0) for audio, suffix in SOUNDS),
        ("aac", "mkv", "libx264", 2),
        ("libopus", "mkv", "libx265", 2),
        ("pcm_mulaw", "mov", "libx265", 0),
        ("pcm_alaw", "mov", "mjpeg", 0),
    ],
)
def test_both_tracks_are_the_packets_that_came(
    tmp_path: Path, audio: str, suffix: str, video: str, b_frames: int
) -> None:
    source = make_film(tmp_path / f"source.{suffix}", video=video, audio=audio, b_frames=b_frames)
    entries, files = record(tmp_path, FilmSession(source))
    assert len(files) == 3
    assert [digest for path in files for digest in hashes(path, "video")] == hashes(source, "video")
    assert [digest for path in files for digest in hashes(path, "audio")] == [
        hashlib.sha256(data).hexdigest() for data in heard(source)
    ]
    assert {outcome.audio_codec for outcome in footage(entries)} == {audio.removeprefix("lib")}
    for path in files:
        with av.open(str(path)) as container:
            pictures: list[Any] = list(container.decode(video=0))
        with av.open(str(path)) as container:
            sound: list[Any] = list(container.decode(audio=0))
        assert len(pictures) == 40
        assert pictures[0].time == 0
        # What is heard lies beside what is seen, from the decoding of the key frame on.
        assert -0.1 * b_frames - 0.1 <= sound[0].time <= 0.1
        assert sound[-1].time == pytest.approx(pictures[-1].time, abs=0.3)


@pytest.mark.parametrize(("audio", "suffix"), SOUNDS[1:3])
def test_sound_moves_no_cut(tmp_path: Path, audio: str, suffix: str) -> None:
    source = make_film(tmp_path / f"source.{suffix}", audio=audio)
    (tmp_path / "silent").mkdir()
    loud, _ = record(tmp_path, FilmSession(source))
    silent, files = record(tmp_path / "silent", FilmSession(source, heard=False))
    assert [(e.stretch.starts_at, e.stretch.ends_at) for e in loud] == [
        (e.stretch.starts_at, e.stretch.ends_at) for e in silent
    ]
    # A track without a packet is none: players wait for it, and FFmpeg would keep the clip in memory.
    assert {outcome.audio_codec for outcome in footage(silent)} == {None}
    for path in files:
        with av.open(str(path)) as container:
            assert [stream.type for stream in container.streams] == ["video"]


def test_mpeg_tss_own_headers_of_sound_are_moved_where_mp4_has_them(tmp_path: Path) -> None:
    source = make_film(tmp_path / "source.ts")
    entries, files = record(tmp_path, FilmSession(source))
    assert {outcome.audio_codec for outcome in footage(entries)} == {"aac"}
    # ADTS: 7 bytes before each frame (ISO 13818-7, 6.2).
    digests = [hashlib.sha256(frame[7:]).hexdigest() for frame in heard(source)]
    recorded_digests = [digest for path in files for digest in hashes(path, "audio")]
    assert recorded_digests == digests


@pytest.mark.parametrize("video", ["libx264", "libx265"])
def test_each_key_frame_begins_a_fragment_and_the_header_stands_first(tmp_path: Path, video: str) -> None:
    source = make_film(tmp_path / "source.mkv", video=video)
    _, files = record(tmp_path, FilmSession(source))
    for path in files:
        boxes = list(top_boxes(path.read_bytes()))
        names = [name for name, _ in boxes]
        assert names[:2] == [b"ftyp", b"moov"]
        # Four groups of pictures of a second each, and none of it kept in memory for longer than half of one.
        assert names[2:-1] == [b"moof", b"mdat"] * 8
        data = path.read_bytes()
        # Safari plays H.265 under this name alone; here the parameter sets stand in the header.
        assert (b"hvc1" in data) == (video == "libx265")
        with av.open(str(path)) as container:
            offsets = [offset for name, offset in boxes if name == b"mdat"]
            keys = [packet.pos for packet in container.demux(video=0) if packet.size and packet.is_keyframe]
        assert len(keys) == 4
        assert all(any(0 < (key or 0) - offset < 1000 for offset in offsets) for key in keys)


def top_boxes(data: bytes) -> Iterator[tuple[bytes, int]]:
    at = 0
    while at < len(data):
        yield data[at + 4 : at + 8], at
        at += int.from_bytes(data[at : at + 4], "big")


def test_a_cameras_signature_survives(tmp_path: Path) -> None:
    source = make_video(tmp_path / "source.mp4", gop=10, b_frames=0, seconds=4)
    with av.open(str(source)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    # SEI, user data unregistered (ITU-T H.264, D.1.7): what cameras that sign their video send.
    signature = b"\x06\x05\x20" + bytes(range(0x20, 0x40)) + b"\x80"
    signed = {place: len(signature).to_bytes(4, "big") + signature + data for place, data in enumerate(packets)}
    entries, files = record(tmp_path, FilmSession(source, signed), clip_s=2)
    assert len(footage(entries)) == len(files) == 2
    for path in files:
        with av.open(str(path)) as container:
            for packet in container.demux(video=0):
                if packet.size:
                    assert signature in behind_lengths(bytes(packet))


@pytest.mark.parametrize("video", ["libx264", "libx265"])
@pytest.mark.parametrize("harm", ["cut", "noise", "zeros"])
def test_a_clip_whose_key_frame_does_not_decode_is_a_gap(tmp_path: Path, video: str, harm: str) -> None:
    source = make_video(tmp_path / "source.mp4", codec=video, gop=10, b_frames=0, seconds=12)
    with av.open(str(source)) as container:
        key = [bytes(packet) for packet in container.demux(video=0) if packet.size][40]
    third = len(key) // 3
    spoilt = {
        "cut": key[:third],
        "noise": key[:third] + hashlib.shake_256(key).digest(len(key) - third),
        "zeros": key[:third] + bytes(len(key) - third),
    }[harm]
    entries, files = record(tmp_path, FilmSession(source, {40: spoilt}))
    told = [entry.stretch.outcome if isinstance(entry.stretch.outcome, Cause) else "footage" for entry in entries]
    assert told == ["footage", Cause.CORRUPT, "footage"]
    assert entries[1].stretch.ends_at - entries[1].stretch.starts_at == timedelta(seconds=4)
    assert [digest for path in files for digest in hashes(path, "video")] == [
        digest for place, digest in enumerate(hashes(source, "video")) if not 40 <= place < 80
    ]


@pytest.mark.parametrize("video", ["libx264", "libx265", "mjpeg"])
def test_whole_key_frames_decode(tmp_path: Path, video: str) -> None:
    source = make_film(tmp_path / "source.mkv", video=video)
    with av.open(str(source)) as container:
        stream = container.streams.video[0]
        keys = [packet for packet in container.demux(stream) if packet.size and packet.is_keyframe]
        assert len(keys) >= 12
        assert all(decodes(stream, packet) for packet in keys)


def test_sound_with_times_of_its_own_costs_no_picture(tmp_path: Path) -> None:
    source = make_film(tmp_path / "source.mkv")
    session = FilmSession(source)
    writer = PyavWriters().begin(tmp_path / "clip.mp4", session, check=True)
    taken = 0
    for packet in session.packets():
        if packet.track is Track.AUDIO:
            strange = [None, 0, 10**9, -(10**9), packet.pts][taken % 5]
            taken += 1
            writer.hear(packet._replace(pts=strange))
        else:
            assert packet.pts is not None
            writer.write(Stamped(packet.pts, packet.pts, packet.duration, packet.key, packet.payload))
    writer.finish(100)
    assert hashes(tmp_path / "clip.mp4", "video") == hashes(source, "video")


def test_a_codec_that_no_clip_takes_leaves_the_picture(tmp_path: Path) -> None:
    source = make_film(tmp_path / "source.mkv", audio="mp2")
    entries, files = record(tmp_path, FilmSession(source))
    assert {outcome.audio_codec for outcome in footage(entries)} == {None}
    assert [digest for path in files for digest in hashes(path, "video")] == hashes(source, "video")


def test_an_empty_clip_is_none(tmp_path: Path) -> None:
    session = FilmSession(make_film(tmp_path / "source.mkv", seconds=1))
    with pytest.raises(ClipWriteError):
        PyavWriters().begin(tmp_path / "clip.mp4", session, check=True).finish(1)
