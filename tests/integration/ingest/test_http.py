"""Cameras over HTTP: pictures one after the other, and MPEG-TS."""

import hashlib
import io
import time
from contextlib import closing
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from itertools import islice
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
import pytest

from homeward.ingest.adapters.credential_files import CredentialFiles
from homeward.ingest.adapters.sources import Sources
from homeward.ingest.cameras.sources import SourceSpec
from homeward.ingest.ports import SourceUnreachableError
from homeward.shared.clock import SystemClock
from homeward.shared.events import encode
from homewardapi.clip.v1 import clip_pb2
from homewardapi.clip.v1.clip_pb2 import Clip
from support.certificates import make_certificate
from support.elementary import make_marked, runs_within, sounds
from support.http_camera import Asks, Sender, served
from support.studio import Studio
from support.video import behind_lengths, behind_start_codes, packet_hashes

TS_BYTES: Final = 188
TS_BEGINS: Final = 0x40
"""The flag of a packet with which a frame begins (payload_unit_start_indicator)."""

TS_VIDEO: Final = 0x100
"""The number (PID) of the packets of video, as FFmpeg chooses it."""


def spec(url: str, credentials_ref: str | None = None, *, audio: bool = False) -> SourceSpec:
    return SourceSpec("cam-1", url, credentials_ref, timedelta(seconds=2), None, audio=audio)


def jpegs(count: int) -> list[bytes]:
    found: list[bytes] = []
    for index in range(count):
        file = io.BytesIO()
        with av.open(file, "w", format="mjpeg") as container:
            stream: Any = container.add_stream("mjpeg", rate=10)
            stream.width, stream.height, stream.pix_fmt = 192, 108, "yuvj420p"
            picture = np.full((108, 192, 3), index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
            container.mux(stream.encode())
        found.append(file.getvalue())
    return found


def footage(studio: Studio) -> list[Clip]:
    return [clip for clip in studio.clips() if clip.HasField("stored")]


def test_motion_jpeg_is_recorded_as_it_came(studio: Studio) -> None:
    pictures = jpegs(60)

    def send(camera: BaseHTTPRequestHandler) -> None:
        camera.send_response(200)
        camera.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        camera.end_headers()
        for picture in pictures:
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
            camera.wfile.write(head.encode() + picture + b"\r\n")
            time.sleep(0.1)

    with served(send) as url, studio.recording(spec(url)):
        studio.clock.sleep(5)
    assert footage(studio)
    recorded = [digest for file in studio.files() for digest in packet_hashes(file)]
    sent = [hashlib.sha256(picture).hexdigest() for picture in pictures]
    first = sent.index(recorded[0])
    assert first <= 1
    assert recorded == sent[first : first + len(recorded)]
    # Pictures that bear no time are timed by when they came.
    lasts = sum((c.ends_at.ToDatetime() - c.starts_at.ToDatetime() for c in footage(studio)), timedelta(0))
    assert abs(lasts.total_seconds() - len(recorded) / 10) < 0.6


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video with sound whose pictures are told apart, in MP4."""
    return make_marked(tmp_path_factory.mktemp("video") / "source.mp4", seconds=20, sound=True)


def transport_stream(video: Path, path: Path) -> Path:
    """Put the packets of `video` into an MPEG-TS at `path`."""
    with av.open(str(video)) as source, av.open(str(path), "w") as target:
        copies = {one: target.add_stream_from_template(one) for one in source.streams}
        for packet in source.demux():
            if packet.size:
                packet.stream = copies[packet.stream]
                target.mux(packet)
    return path


def at_its_pace(data: bytes, lasts_s: float) -> Sender:
    """Send an MPEG-TS as a camera does."""

    def send(camera: BaseHTTPRequestHandler) -> None:
        camera.send_response(200)
        camera.send_header("Content-Type", "video/mp2t")
        camera.end_headers()
        pieces = 200
        size = len(data) // pieces + 1
        for at in range(pieces):
            camera.wfile.write(data[at * size : (at + 1) * size])
            time.sleep(lasts_s / pieces)

    return send


def frame_hashes(path: Path) -> list[str]:
    """Return the SHA-256 of each frame's NAL units, whatever stands between them: start codes or lengths."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        split = behind_lengths if container.format.name != "mpegts" else behind_start_codes
        frames = [split(bytes(packet)) for packet in container.demux(stream) if packet.size]
    return [hashlib.sha256(b"".join(len(unit).to_bytes(4) + unit for unit in units)).hexdigest() for units in frames]


def sources(*, authorities: Path | None = None, credentials: Path | None = None) -> Sources:
    return Sources(
        CredentialFiles(credentials),
        open_timeout=timedelta(seconds=2),
        read_timeout=timedelta(seconds=2),
        clock=SystemClock(),
        tls_ca_file=authorities,
    )


def test_mpeg_ts_is_recorded_as_it_came_with_its_sound(studio: Studio, marked: Path, tmp_path: Path) -> None:
    stream = transport_stream(marked, tmp_path / "source.ts")
    with served(at_its_pace(stream.read_bytes(), 20)) as url, studio.recording(spec(url, audio=True)):
        studio.clock.sleep(9)
    files = studio.files()
    assert len(files) >= 2
    assert {clip.stored.optional_audio_codec for clip in footage(studio)} >= {"aac"}
    found = [digest for file in files for digest in frame_hashes(file)]
    sent = frame_hashes(stream)
    assert len(found) > 100
    assert len(set(sent)) == len(sent)
    assert runs_within(found, sent)
    heard = sounds(files[-1])
    assert len(heard) > 30
    assert runs_within(heard, sounds(marked))


@pytest.mark.parametrize("place", ["first", "middle"])
@pytest.mark.parametrize("frame", [75, 80])
def test_a_lost_packet_of_mpeg_ts_is_a_gap_and_never_footage(
    studio: Studio, marked: Path, tmp_path: Path, frame: int, place: str
) -> None:
    """Frame 75 is a key frame: a clip that begins with it would be broken."""
    stream = transport_stream(marked, tmp_path / "source.ts")
    whole_stream = stream.read_bytes()
    packets = [whole_stream[at : at + TS_BYTES] for at in range(0, len(whole_stream), TS_BYTES)]
    of_video = [index for index, packet in enumerate(packets) if (packet[1] & 0x1F) << 8 | packet[2] == TS_VIDEO]
    begin = [index for index in of_video if packets[index][1] & TS_BEGINS]
    lost = begin[frame] if place == "first" else of_video[of_video.index(begin[frame]) + 1]
    assert lost < begin[frame + 1]
    data = b"".join(packets[:lost] + packets[lost + 1 :])
    with served(at_its_pace(data, 20)) as url, studio.recording(spec(url)):
        studio.clock.sleep(9)
    whole = frame_hashes(stream)
    found = [digest for file in studio.files() for digest in frame_hashes(file)]
    assert set(found) <= set(whole)
    places = [whole.index(digest) for digest in found]
    # What is left of a frame without its first packet spoils the frame before it. The frame before what is broken is
    # given up with it: FFmpeg does not tell which of both was hit.
    before = 2 if place == "first" else 1
    assert [at for at in range(places[0], 110) if at not in places] == [*range(frame - before, 100)]
    gaps = [clip for clip in studio.clips() if clip.HasField("gap")]
    assert clip_pb2.GAP_CAUSE_CORRUPT in {clip.gap.cause for clip in gaps}


@pytest.mark.parametrize("asks", Asks)
@pytest.mark.parametrize("encrypted", [False, True])
def test_a_password_is_used_and_never_told(
    studio: Studio, marked: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], asks: Asks, *, encrypted: bool
) -> None:
    stream = transport_stream(marked, tmp_path / "source.ts")
    login = "ad min:hunter@2/:?%20"
    (studio.credentials / "door").write_text(f"{login}\n")
    certificate = make_certificate(tmp_path / "camera.pem") if encrypted else None
    with served(at_its_pace(stream.read_bytes(), 20), certificate=certificate, login=login, asks=asks) as url:
        with studio.recording(spec(url, "door")):
            studio.clock.sleep(4)
        (studio.credentials / "door").write_text("ad min:wrong-word\n")
        with studio.recording(spec(url, "door")):
            studio.clock.sleep(1)
    assert footage(studio)
    output = capfd.readouterr()
    assert "source cannot be opened" in output.out + output.err
    events = [encode(event) for event in studio.producer.events]
    told = b"".join([event.key + (event.value or b"") + repr(event.headers).encode() for event in events])
    files = (path for path in studio.folder.rglob("*") if path.is_file() and path.parent != studio.credentials)
    kept = b"".join(path.read_bytes() for path in files if path not in (stream, certificate))
    for secret in ("hunter", "wrong-word", "ad min", "ad%20min", "127.0.0.1"):
        assert secret not in output.out + output.err
        assert secret.encode() not in told
        assert secret.encode() not in kept


@pytest.mark.parametrize("known", [True, False])
def test_https_is_encrypted_and_a_camera_that_is_known_is_recorded(
    marked: Path, tmp_path: Path, *, known: bool
) -> None:
    certificate = make_certificate(tmp_path / "camera.pem")
    stream = transport_stream(marked, tmp_path / "source.ts")
    with served(at_its_pace(stream.read_bytes(), 5), certificate=certificate) as url:
        assert url.startswith("https://")
        # Without a file of authorities any certificate will do.
        with closing(sources(authorities=certificate if known else None).open(spec(url))) as session:
            found = [bytes(packet.payload) for packet in islice(session.packets(), 20)]  # type: ignore[call-overload]
    assert [hashlib.sha256(data).hexdigest() for data in found] == packet_hashes(stream)[:20]


@pytest.mark.parametrize("wrong", ["signer", "name"])
def test_a_camera_over_https_that_is_somebody_else_is_refused(tmp_path: Path, wrong: str) -> None:
    certificate = make_certificate(tmp_path / "camera.pem", "192.0.2.1" if wrong == "name" else "127.0.0.1")
    authorities = certificate if wrong == "name" else make_certificate(tmp_path / "other.pem")
    asked: list[str] = []
    with (
        served(lambda camera: asked.append(camera.path), certificate=certificate) as url,
        pytest.raises(SourceUnreachableError, match=r"^camera cam-1: ") as refused,
    ):
        sources(authorities=authorities).open(spec(url))
    assert asked == []
    assert "127.0.0.1" not in str(refused.value)


def test_a_camera_that_sends_elsewhere_is_not_followed() -> None:
    asked: list[str] = []

    def send(camera: BaseHTTPRequestHandler) -> None:
        asked.append(camera.path)
        camera.send_response(302)
        camera.send_header("Location", "/elsewhere")
        camera.end_headers()

    with served(send) as url, pytest.raises(SourceUnreachableError):
        sources().open(spec(url))
    assert asked == ["/video"]
