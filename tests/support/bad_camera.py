"""A camera that does everything wrong, another thing each time that somebody connects."""

import random
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final, Self

_HOST: Final = "127.0.0.1"
_LASTS_S: Final = 4.0
_FLOOD_BYTES: Final = 64 << 20
"""What one connection pours out at the most: the neighbours share its core."""
_SDP: Final = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    "a=fmtp:96 packetization-mode=1;profile-level-id=42C01E;"
    "sprop-parameter-sets=Z0LAHtkDxWhAAAADAEAAAAwDxYuS,aMuMsg==\r\na=control:trackID=0\r\n"
)


class BadCamera:
    """Listens at `url`; `faults` counts how often each thing was done."""

    def __init__(self) -> None:
        self.faults: dict[str, int] = {}
        self._server = _Server((_HOST, 0), self)
        self._turn = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"rtsp://{_HOST}:{self._server.server_address[1]}/live"

    def next_fault(self) -> "Callable[[_Viewer], None]":
        with self._lock:
            name = list(_FAULTS)[self._turn % len(_FAULTS)]
            self._turn += 1
            self.faults[name] = self.faults.get(name, 0) + 1
        return _FAULTS[name]


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], camera: BadCamera) -> None:
        self.camera = camera
        super().__init__(address, _Viewer)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a viewer that hangs up has had enough."""


class _Viewer(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        self.ends_s = time.monotonic() + _LASTS_S
        self.connection.settimeout(_LASTS_S)
        with suppress(OSError, ValueError):
            self.server.camera.next_fault()(self)

    def request(self) -> tuple[str, str]:
        """Return the next request's method and CSeq, past RTCP."""
        while (first := self.rfile.read(1)) == b"$":
            _, length = struct.unpack(">BH", self.rfile.read(3))
            self.rfile.read(length)
        if not first:
            raise ValueError("hung up")
        method = (first + self.rfile.readline()).decode(errors="replace").split()[0]
        sequence = "0"
        while (line := self.rfile.readline().decode(errors="replace").strip()) != "":
            if line.lower().startswith("cseq:"):
                sequence = line[5:].strip()
        return method, sequence

    def answer(self, sequence: str, extra: str = "", body: str = "") -> None:
        head = f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
        self.wfile.write((head + body).encode())

    def until_played(self) -> None:
        """Answer as a camera does up to PLAY."""
        method = ""
        while method != "PLAY":
            method, sequence = self.request()
            match method:
                case "DESCRIBE":
                    self.answer(sequence, "Content-Type: application/sdp\r\n", _SDP)
                case "SETUP":
                    self.answer(sequence, "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n")
                case _:
                    self.answer(sequence, "Session: 1\r\n")

    def pour(self, pieces: Iterator[bytes]) -> None:
        """Write `pieces` as fast as they are taken, up to the connection's time and size."""
        poured = 0
        for piece in pieces:
            self.wfile.write(piece)
            poured += len(piece)
            if time.monotonic() > self.ends_s or poured > _FLOOD_BYTES:
                return


def _packet(sequence: int, stamp: int, payload: bytes) -> bytes:
    rtp = struct.pack(">BBHII", 0x80, 96, sequence & 0xFFFF, stamp & 0xFFFFFFFF, 7) + payload
    return b"$\x00" + struct.pack(">H", len(rtp)) + rtp


def _hangs_up(viewer: _Viewer) -> None:
    viewer.connection.shutdown(socket.SHUT_RDWR)


def _says_nothing(viewer: _Viewer) -> None:
    time.sleep(_LASTS_S)
    viewer.wfile.write(b"x")


def _noise(viewer: _Viewer) -> None:
    viewer.pour(random.Random(1).randbytes(50_000) for _ in range(1000))  # noqa: S311 - noise of a test


def _noise_when_played(viewer: _Viewer) -> None:
    viewer.until_played()
    _noise(viewer)


def _endless_header(viewer: _Viewer) -> None:
    viewer.request()
    viewer.wfile.write(b"RTSP/1.0 200 OK\r\n")
    viewer.pour(b"X-More: " + b"y" * 60_000 + b"\r\n" for _ in range(100_000))


def _huge_description(viewer: _Viewer) -> None:
    while True:
        method, sequence = viewer.request()
        if method == "DESCRIBE":
            break
        viewer.answer(sequence)
    head = f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\nContent-Type: application/sdp\r\nContent-Length: 4000000000\r\n\r\n"
    viewer.wfile.write(head.encode())
    viewer.pour(b"a=" + b"z" * 60_000 + b"\r\n" for _ in range(100_000))


def _endless_unit(viewer: _Viewer) -> None:
    """One picture that never ends: fragments of a key frame, one after the other (RFC 6184, section 5.8)."""
    viewer.until_played()
    viewer.wfile.write(_packet(0, 0, bytes([0x7C, 0x85]) + b"\x11" * 1400))
    viewer.pour(_packet(index, 0, bytes([0x7C, 0x05]) + b"\x11" * 1400) for index in range(1, 1_000_000))


def _flood(viewer: _Viewer) -> None:
    """Small pictures, far more than a camera sends."""
    viewer.until_played()
    viewer.pour(_packet(index, index * 90, b"\x65" + b"\x11" * 20) for index in range(10_000_000))


def _nonsense_pictures(viewer: _Viewer) -> None:
    """RTP as it should be, at a camera's pace, around what no decoder knows."""
    viewer.until_played()
    noise = random.Random(2)  # noqa: S311 - noise of a test
    for index in range(100):
        viewer.wfile.write(_packet(index, index * 3600, b"\x65" + noise.randbytes(900)))
        time.sleep(0.04)


_FAULTS: Final[dict[str, Callable[[_Viewer], None]]] = {
    "hangs up": _hangs_up,
    "endless unit": _endless_unit,
    "noise": _noise,
    "huge description": _huge_description,
    "flood": _flood,
    "endless header": _endless_header,
    "noise when played": _noise_when_played,
    "nonsense pictures": _nonsense_pictures,
    "says nothing": _says_nothing,
}
FAULTS: Final = tuple(_FAULTS)
"""The name of everything that it does."""
