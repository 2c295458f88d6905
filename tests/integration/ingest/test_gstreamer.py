"""Cameras served by GStreamer: what a peer of ours sends is in the clips, to the last bit."""

import subprocess
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final

import av
import pytest

from homeward.ingest.cameras.sources import SourceSpec, Transport
from homewardapi.clip.v1.clip_pb2 import TIME_SOURCE_SENDER, Clip
from support.elementary import make_marked, marks, pictures, runs_within, sounds
from support.gstreamer import Served, require_gstreamer, running_gstreamer
from support.studio import Studio

pytestmark = pytest.mark.gstreamer

FPS: Final = 25
LASTS_S: Final = 40
RECORDED_S: Final = 9.0
LOGIN: Final = "admin:hunter@2/:?"


@dataclass(frozen=True, slots=True)
class Take:
    """One camera of the day: what it is served, how it is reached, and what came of it."""

    name: str
    codec: str = "h264"
    sound: bool = False
    gop: int = FPS
    b_frames: int = 0
    transport: Transport = Transport.TCP

    @property
    def path(self) -> str:
        return f"/{self.name}"


TAKES: Final = (
    Take("h264"),
    Take("h265", codec="h265"),
    Take("h264-aac", sound=True),
    Take("h265-aac", codec="h265", sound=True),
    Take("h264-bframes", b_frames=2),
    Take("h264-udp", transport=Transport.UDP),
    Take("h265-aac-udp", codec="h265", sound=True, transport=Transport.UDP),
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """The clips of one camera, their files in order, and the file that was served."""

    clips: list[Clip]
    files: list[Path]
    served: Path


def make(folder: Path, take: Take) -> Path:
    return make_marked(
        folder / f"{take.name}.source.mp4",
        codec={"h264": "libx264", "h265": "libx265"}[take.codec],
        fps=FPS,
        seconds=LASTS_S,
        gop=take.gop,
        b_frames=take.b_frames,
        sound=take.sound,
    )


def spec(name: str, url: str, *, sound: bool = False, transport: Transport = Transport.TCP) -> SourceSpec:
    credentials = "door" if name.startswith("login") else None
    return SourceSpec(name, url, credentials, timedelta(seconds=2), None, audio=sound, transport=transport)


def gather(studio: Studio, served: Mapping[str, Path]) -> dict[str, Recorded]:
    clips: dict[str, list[Clip]] = {name: [] for name in served}
    files: dict[str, list[Path]] = {name: [] for name in served}
    for clip in studio.clips():
        if clip.camera_id not in served:
            continue
        clips[clip.camera_id].append(clip)
        if clip.HasField("stored"):
            path = studio.folder / f"{clip.clip_id}.mp4"
            path.write_bytes(studio.store.get("footage", clip.stored.object_key))
            files[clip.camera_id].append(path)
    return {name: Recorded(clips[name], files[name], path) for name, path in served.items()}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Recorded]:
    """All cameras at once, as they come in a building."""
    require_gstreamer()
    folder = tmp_path_factory.mktemp("gstreamer")
    files = {take.name: make(folder, take) for take in TAKES}
    studio = Studio(folder)
    streams = {take.path: Served(files[take.name], take.codec, take.sound) for take in TAKES}
    with running_gstreamer(streams) as server, ExitStack() as running:
        for take in TAKES:
            source = spec(take.name, server.url(take.path), sound=take.sound, transport=take.transport)
            running.enter_context(studio.recording(source))
        studio.clock.sleep(RECORDED_S)
    return gather(studio, files)


def assert_unbroken(found: Recorded, seconds: float) -> None:
    """One connection, no gap, and each picture as it was served, its mark included."""
    assert all(clip.HasField("stored") for clip in found.clips)
    for before, after in pairwise(found.clips):
        assert before.ends_at == after.starts_at
    hashes = [digest for file in found.files for digest in pictures(file)]
    assert len(hashes) > seconds * FPS
    assert runs_within(hashes, pictures(found.served))
    # A camera may sign its pictures in SEI messages: they are part of what was compared, and are there.
    numbers = [number for file in found.files for number in marks(file)]
    assert numbers == list(range(numbers[0], numbers[0] + len(hashes)))


@pytest.mark.parametrize("take", TAKES, ids=lambda take: take.name)
def test_every_picture_is_recorded_as_it_was_served(recorded: dict[str, Recorded], take: Take) -> None:
    found = recorded[take.name]
    assert_unbroken(found, RECORDED_S - 3)
    assert {clip.stored.codec for clip in found.clips} == {"hevc" if take.codec == "h265" else "h264"}
    length = found.clips[-1].ends_at.ToDatetime() - found.clips[0].starts_at.ToDatetime()
    count = sum(len(pictures(file)) for file in found.files)
    # Where it is told to stop, reordered frames of the last picture's time are still on their way.
    assert length.total_seconds() == pytest.approx(count / FPS, abs=(1 + take.b_frames) / FPS)


@pytest.mark.parametrize("take", [take for take in TAKES if take.sound], ids=lambda take: take.name)
def test_the_sound_is_recorded_as_it_was_served(recorded: dict[str, Recorded], take: Take) -> None:
    found = recorded[take.name]
    assert {clip.stored.optional_audio_codec for clip in found.clips} == {"aac"}
    hashes = [digest for file in found.files for digest in sounds(file)]
    assert runs_within(hashes, sounds(found.served))
    # 1,024 samples a packet: no second of sound is missing.
    assert len(hashes) > (RECORDED_S - 3) * 48_000 / 1024
    for file in found.files:
        assert_together(file)


def assert_together(file: Path) -> None:
    """Sound and pictures of a clip begin and end within a fifth of a second of each other."""
    with av.open(str(file)) as container:
        spans = []
        for stream in (container.streams.video[0], container.streams.audio[0]):
            container.seek(0)
            times = [float(p.pts * stream.time_base) for p in container.demux(stream) if p.size]  # type: ignore[operator]
            spans.append((min(times), max(times)))
    (first, last), (sound_first, sound_last) = spans
    assert abs(first - sound_first) < 0.2
    assert abs(last - sound_last) < 0.2


def test_where_no_sound_is_wanted_none_is_recorded(recorded: dict[str, Recorded]) -> None:
    for take in TAKES:
        if not take.sound:
            assert not any(clip.stored.HasField("optional_audio_codec") for clip in recorded[take.name].clips)


@pytest.mark.parametrize("name", ["h264", "h265-aac", "h264-bframes", "h264-udp"])
def test_clips_stand_where_the_camera_says_that_they_were_taken(recorded: dict[str, Recorded], name: str) -> None:
    clips = recorded[name].clips
    # The first report may come later than the first clip ends: GStreamer's sends it within some seconds.
    assert clips[-1].stored.optional_time_source == TIME_SOURCE_SENDER
    ended = clips[-1].ends_at.ToDatetime(tzinfo=UTC)
    stored = datetime.now(UTC)
    assert timedelta(0) < stored - ended < timedelta(minutes=2)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    wanted = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=camera"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(["openssl", *wanted.split(), *names], check=True, capture_output=True)
    both = tmp_path / "both.pem"
    both.write_text(key.read_text() + cert.read_text())
    return both


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return make_marked(tmp_path / "source.mp4", seconds=30)


@pytest.fixture
def record(studio: Studio, film: Path) -> Callable[[str, str], Recorded]:
    (studio.credentials / "door").write_text(f"{LOGIN}\n")

    def record(name: str, url: str) -> Recorded:
        with studio.recording(spec(name, url)):
            studio.clock.sleep(6)
        return gather(studio, {name: film})[name]

    return record


@pytest.mark.parametrize("digest", [False, True], ids=["basic", "digest"])
def test_a_login_is_given_as_it_is_asked_for(
    film: Path, record: Callable[[str, str], Recorded], capfd: pytest.CaptureFixture[str], *, digest: bool
) -> None:
    with running_gstreamer({"/door": Served(film, "h264")}, login=LOGIN, digest=digest) as server:
        assert_unbroken(record("login", server.url("/door")), 3)
        refused = record("nobody", server.url("/door"))
    assert refused.files == []
    output = capfd.readouterr()
    assert "hunter" not in output.out + output.err


def test_a_camera_behind_tls(film: Path, record: Callable[[str, str], Recorded], certificate: Path) -> None:
    streams = {"/gate": Served(film, "h264")}
    with running_gstreamer(streams, certificate=certificate) as server:
        assert_unbroken(record("tls", server.url("/gate")), 3)
    with running_gstreamer(streams, certificate=certificate, login=LOGIN, digest=True) as server:
        assert_unbroken(record("login-tls", server.url("/gate")), 3)


def test_a_group_of_pictures_of_ten_seconds(studio: Studio, tmp_path: Path) -> None:
    film = make_marked(tmp_path / "source.mp4", seconds=40, gop=10 * FPS)
    with (
        running_gstreamer({"/gop10": Served(film, "h264")}) as server,
        studio.recording(spec("gop10", server.url("/gop10"))),
    ):
        studio.clock.sleep(24)
    found = gather(studio, {"gop10": film})["gop10"]
    assert_unbroken(found, 20)
    lengths = [clip.ends_at.ToDatetime() - clip.starts_at.ToDatetime() for clip in found.clips]
    # Clips of 2 s are asked for, but none may begin but on a key frame.
    assert [length.total_seconds() for length in lengths[:2]] == pytest.approx([10, 10], abs=0.1)
    assert all(marks(file)[0] % (10 * FPS) == 0 for file in found.files)
