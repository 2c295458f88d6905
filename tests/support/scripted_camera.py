"""A camera without a socket: a byte stream that answers requests from a script and sends what it is given."""

from collections.abc import Callable, Mapping
from typing import Final

SDP: Final = (
    "v=0\r\no=- 0 0 IN IP4 192.0.2.1\r\ns=camera\r\nt=0 0\r\na=control:*\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:trackID=0\r\n"
)


def interleaved(channel: int, packet: bytes) -> bytes:
    """Return a packet as it stands between the messages of RTSP."""
    return b"$" + bytes([channel]) + len(packet).to_bytes(2, "big") + packet


def response(number: str, status: int = 200, headers: Mapping[str, str] | None = None, body: str = "") -> bytes:
    """Return an answer to the request of this number."""
    lines = [f"RTSP/1.0 {status} Whatever", f"CSeq: {number}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines.append(f"Content-Length: {len(body.encode())}")
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


Answer = Callable[[str, str, dict[str, str]], bytes]


class ScriptedCamera:
    """The port `ByteStream`. Answers are made by `answer`; after PLAY, `chunks` are read one after the other."""

    def __init__(self, chunks: list[bytes], answer: Answer | None = None) -> None:
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.reports: list[bytes] = []
        self.closed = False
        self.drained = True
        self.left = list(chunks)
        self._answer = answer or self.usual
        self._ready: list[bytes] = []
        self._playing = False

    def limit(self, seconds: float) -> None:
        """Do nothing: it never waits."""

    def recv_into(self, buffer: memoryview) -> int:
        if not self._ready and self._playing and self.left:
            self._ready.append(self.left.pop(0))
        if not self._ready:
            raise TimeoutError
        data = self._ready.pop(0)
        if len(data) > len(buffer):
            self._ready.insert(0, data[len(buffer) :])
            data = data[: len(buffer)]
        buffer[: len(data)] = data
        return len(data)

    def send(self, data: bytes) -> None:
        if data.startswith(b"$"):
            self.reports.append(data)
            return
        first, *lines = data.decode().split("\r\n")
        method, url, _ = first.split(" ")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
        self.requests.append((method, url, headers))
        self._ready.append(self._answer(method, url, headers))
        self._playing = self._playing or method == "PLAY"

    def fileno(self) -> int:
        return -1

    def close(self) -> None:
        self.closed = True

    @staticmethod
    def usual(method: str, url: str, headers: dict[str, str]) -> bytes:
        """Answer as a well-behaved camera."""
        number = headers["cseq"]
        match method:
            case "OPTIONS":
                return response(number, headers={"Public": "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER"})
            case "DESCRIBE":
                return response(number, headers={"Content-Base": url + "/"}, body=SDP)
            case "SETUP":
                return response(number, headers={"Transport": headers["transport"], "Session": "12345678;timeout=60"})
            case _:
                return response(number, headers={"Session": "12345678"})
