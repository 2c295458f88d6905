"""Our RTSP client on real sockets: who is trusted, how long is waited, what is said where it fails."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from homeward.ingest.adapters.credential_files import CredentialFiles
from homeward.ingest.adapters.rtsp.source import RtspSources
from homeward.ingest.cameras.sources import SourceSpec, Transport
from homeward.ingest.media.packets import Packet
from homeward.ingest.ports import SourceLostError, SourceUnreachableError
from homeward.shared.clock import SystemClock
from support.certificates import make_certificate
from support.rtsp_server import RtspCamera
from support.video import make_video, packet_hashes
from support.video import nal_units as units_of_file


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_video(tmp_path_factory.mktemp("video") / "source.mp4", gop=10, seconds=20, b_frames=2)


def spec(url: str, transport: Transport = Transport.TCP) -> SourceSpec:
    return SourceSpec("cam-1", url, None, timedelta(seconds=2), None, transport=transport)


def sources(authorities: Path | None = None) -> RtspSources:
    return RtspSources(
        CredentialFiles(None),
        open_timeout=timedelta(seconds=2),
        read_timeout=timedelta(seconds=1),
        clock=SystemClock(),
        tls_ca_file=authorities,
    )


def taken(from_sources: RtspSources, camera: SourceSpec, count: int) -> list[Packet]:
    with closing(from_sources.open(camera)) as session:
        packets = session.packets()
        return [next(packets) for _ in range(count)]


def assert_untold(error: BaseException, url: str) -> None:
    assert url.rsplit(":", 1)[1] not in str(error)
    assert "127.0.0.1" not in str(error)
    assert str(error).startswith("camera cam-1: ")


def test_packets_are_those_of_the_file(video: Path) -> None:
    with RtspCamera(video) as camera:
        found = taken(sources(), spec(camera.url), 25)
    whole = [bytes(packet.payload) for packet in found]  # type: ignore[call-overload]  # FFmpeg's own
    assert [packet.key for packet in found] == [index % 10 == 0 for index in range(25)]
    units = units_of_file(video)
    split = [unit for data in whole for unit in _units(data)]
    assert split == units[: len(split)]
    assert len(packet_hashes(video)) > len(found)


def _units(data: bytes) -> Iterator[bytes]:
    while data:
        size = int.from_bytes(data[:4], "big")
        yield data[4 : 4 + size]
        data = data[4 + size :]


def test_a_camera_with_a_certificate_that_is_known_is_recorded(video: Path, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path / "camera.pem")
    with RtspCamera(video, certificate=certificate) as camera:
        assert len(taken(sources(certificate), spec(camera.url), 12)) == 12


def test_without_authorities_any_certificate_will_do(video: Path, tmp_path: Path) -> None:
    with RtspCamera(video, certificate=make_certificate(tmp_path / "camera.pem")) as camera:
        assert len(taken(sources(), spec(camera.url), 12)) == 12


@pytest.mark.parametrize("wrong", ["signer", "name"])
def test_a_camera_that_is_somebody_else_is_refused(video: Path, tmp_path: Path, wrong: str) -> None:
    certificate = make_certificate(tmp_path / "camera.pem", "192.0.2.1" if wrong == "name" else "127.0.0.1")
    authorities = certificate if wrong == "name" else make_certificate(tmp_path / "other.pem")
    with (
        RtspCamera(video, certificate=certificate) as camera,
        pytest.raises(SourceUnreachableError, match="SSLCertVerificationError") as refused,
    ):
        sources(authorities).open(spec(camera.url))
    assert_untold(refused.value, camera.url)


def test_a_camera_that_does_not_send_by_datagrams_says_so(video: Path) -> None:
    with RtspCamera(video) as camera, pytest.raises(SourceUnreachableError, match="transport") as refused:
        sources().open(spec(camera.url, Transport.UDP))
    assert_untold(refused.value, camera.url)


def test_a_camera_that_falls_silent_is_lost_within_the_read_timeout(video: Path) -> None:
    with RtspCamera(video) as camera, closing(sources().open(spec(camera.url))) as session:
        packets = session.packets()
        for _ in range(12):
            next(packets)
        camera.silent = True
        began = time.monotonic()
        with pytest.raises(SourceLostError, match="did not answer in time"):
            list(packets)
        assert 0.8 < time.monotonic() - began < 3.5
        camera.silent = False


@pytest.fixture
def door() -> Iterator[Callable[[bytes], str]]:
    """Return a way to have a port that accepts a viewer, says something and then nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []

        def opened(words: bytes) -> str:
            def accept() -> None:
                connection, _ = server.accept()
                kept.append(connection)
                connection.sendall(words)

            threading.Thread(target=accept, daemon=True).start()
            return f"rtsp://127.0.0.1:{server.getsockname()[1]}/live"

        yield opened
        for connection in kept:
            connection.close()


@pytest.mark.parametrize("words", [b"", b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 10\r\n\r\nfew", b"\xff" * 5000])
def test_a_door_behind_which_nobody_answers_is_given_up(door: Callable[[bytes], str], words: bytes) -> None:
    url = door(words)
    began = time.monotonic()
    with pytest.raises(SourceUnreachableError, match="did not answer in time") as given_up:
        sources().open(spec(url))
    assert time.monotonic() - began < 4
    assert_untold(given_up.value, url)


def test_a_camera_that_is_not_there_is_unreachable() -> None:
    with pytest.raises(SourceUnreachableError, match="ConnectionRefusedError") as refused:
        sources().open(spec("rtsp://127.0.0.1:9/live"))
    assert_untold(refused.value, "rtsp://127.0.0.1:9/live")
