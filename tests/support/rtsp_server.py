"""A camera of our own: an RTSP server that plays an H.264 file at its own pace over TCP, again and again.

It can be unplugged and plugged in again, ask for a password (Basic), speak TLS, fall silent, and send its frames'
reordering as it is.
"""

import base64
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Self

import av

from support.video import behind_lengths

_PAYLOAD_BYTES: Final = 1400
_CLOCK_HZ: Final = 90_000
_HOST: Final = "127.0.0.1"


class RtspCamera:
    """Serves `video` (H.264 in MP4) at `url`; with `login`, "user:password", it refuses everybody else.

    With `certificate` (a PEM file with its key) it speaks TLS. While `silent`, its connections stay and nothing comes.
    """

    def __init__(self, video: Path, login: str | None = None, certificate: Path | None = None) -> None:
        self.silent = False
        self.certificate = certificate
        self.video = video
        self.login = login
        self.refused = 0
        self.played_at: list[datetime] = []
        self._port = 0
        self._server: _Server | None = None

    def __enter__(self) -> Self:
        self.plug_in()
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()

    @property
    def url(self) -> str:
        return f"rtsp{'s' if self.certificate else ''}://{_HOST}:{self._port}/live"

    def plug_in(self) -> None:
        """Listen, on the same port each time."""
        self._server = _Server((_HOST, self._port), self)
        self._port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def unplug(self) -> None:
        """Cut every connection and listen no more."""
        if self._server is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._server.cut()
        self._server = None


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], camera: RtspCamera) -> None:
        self.camera = camera
        self.connections: list[socket.socket] = []
        super().__init__(address, _Viewer)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self.camera.certificate is None:
            return connection, address
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.camera.certificate)
        # The handshake is the viewer's own thread's: it begins with the first read.
        wrapped = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return wrapped, address

    def cut(self) -> None:
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a viewer that hangs up is what these tests are about."""


class _Viewer(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        self.server.connections.append(self.connection)
        self._writing = threading.Lock()
        while (request := self._request()) is not None:
            method, url, headers = request
            login = self.server.camera.login
            expected = None if login is None else "Basic " + base64.b64encode(login.encode()).decode()
            common = f"CSeq: {headers.get('cseq', '0')}\r\n"
            if expected is not None and headers.get("authorization") != expected:
                self.server.camera.refused += 1
                self._answer(f'RTSP/1.0 401 Unauthorized\r\n{common}WWW-Authenticate: Basic realm="camera"\r\n\r\n')
                continue
            extra, body = self._reply(method, url)
            self._answer(f"RTSP/1.0 200 OK\r\n{common}{extra}Content-Length: {len(body)}\r\n\r\n{body}")
            if method == "PLAY":
                threading.Thread(target=self._play, daemon=True).start()
            if method == "TEARDOWN":
                return

    def _reply(self, method: str, url: str) -> tuple[str, str]:
        match method:
            case "OPTIONS":
                return "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER\r\n", ""
            case "DESCRIBE":
                return f"Content-Type: application/sdp\r\nContent-Base: {url}/\r\n", _sdp(self.server.camera.video)
            case "SETUP":
                return "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n", ""
            case _:
                return "Session: 1\r\n", ""

    def _request(self) -> tuple[str, str, dict[str, str]] | None:
        while True:
            first = self.rfile.read(1)
            if not first:
                return None
            if first == b"$":
                _, length = struct.unpack(">BH", self.rfile.read(3))
                self.rfile.read(length)
                continue
            line = (first + self.rfile.readline()).decode().split()
            headers: dict[str, str] = {}
            while (text := self.rfile.readline().decode().strip()) != "":
                name, _, value = text.partition(":")
                headers[name.lower()] = value.strip()
            self.rfile.read(int(headers.get("content-length", "0")))
            return line[0], line[1], headers

    def _answer(self, text: str) -> None:
        with self._writing:
            self.wfile.write(text.encode())

    def _play(self) -> None:
        self.server.camera.played_at.append(datetime.now(UTC))
        began_s = time.monotonic()
        sequence = 0
        with suppress(OSError, ValueError):
            for due_s, at_s, units in _forever(self.server.camera.video):
                time.sleep(max(0, began_s + due_s - time.monotonic()))
                stamp = int(at_s * _CLOCK_HZ) & 0xFFFFFFFF
                for index, unit in enumerate(units):
                    for payload, last in _payloads(unit):
                        marker = last and index == len(units) - 1
                        header = struct.pack(">BBHII", 0x80, 96 | (marker << 7), sequence & 0xFFFF, stamp, 1)
                        sequence += 1
                        packet = header + payload
                        while self.server.camera.silent:
                            time.sleep(0.05)
                        with self._writing:
                            self.wfile.write(b"$\x00" + struct.pack(">H", len(packet)) + packet)


def _sdp(video: Path) -> str:
    with av.open(str(video)) as container:
        extradata = bytes(container.streams.video[0].codec_context.extradata or b"")
    sps_length = int.from_bytes(extradata[6:8], "big")
    sps = extradata[8 : 8 + sps_length]
    rest = extradata[8 + sps_length :]
    pps = rest[3 : 3 + int.from_bytes(rest[1:3], "big")]
    sets = ",".join(base64.b64encode(unit).decode() for unit in (sps, pps))
    return (
        f"v=0\r\no=- 0 0 IN IP4 {_HOST}\r\ns=camera\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
        f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={sets}\r\na=control:trackID=0\r\n"
    )


def _forever(video: Path) -> Iterator[tuple[float, Fraction, list[bytes]]]:
    """Yield when each frame is due, its presentation time and its NAL units, over and over."""
    offset = Fraction(0)
    while True:
        with av.open(str(video)) as container:
            stream: Any = container.streams.video[0]
            base: Fraction = stream.time_base
            first: int | None = None
            ends = offset
            packets: Iterator[Any] = container.demux(stream)
            for packet in packets:
                if not packet.size:
                    continue
                first = packet.dts if first is None else first
                due = offset + (packet.dts - first) * base
                at = offset + (packet.pts - first) * base
                ends = max(ends, due + packet.duration * base)
                yield float(due), at, behind_lengths(bytes(packet))
        offset = ends


def _payloads(unit: bytes) -> Iterator[tuple[bytes, bool]]:
    """Yield the RTP payloads of one NAL unit (RFC 6184), itself or its fragments, and whether each is the last."""
    if len(unit) <= _PAYLOAD_BYTES:
        yield unit, True
        return
    indicator, kind, body = (unit[0] & 0xE0) | 28, unit[0] & 0x1F, unit[1:]
    for start in range(0, len(body), _PAYLOAD_BYTES):
        piece = body[start : start + _PAYLOAD_BYTES]
        last = start + _PAYLOAD_BYTES >= len(body)
        flags = (0x80 if start == 0 else 0) | (0x40 if last else 0)
        yield bytes([indicator, flags | kind]) + piece, last
