"""RTSP's requests and responses as text (RFC 2326, sections 4 to 7)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from homeward.ingest.adapters.rtsp.errors import ProtocolError

LARGEST_HEAD_BYTES: Final = 16 << 10
"""A camera's longest head, with two challenges in it, has under 1 KB."""
LARGEST_BODY_BYTES: Final = 64 << 10

_STATUS: Final = re.compile(r"RTSP/\d\.\d\s+(\d{3})\b")
_ANSWER: Final = re.compile(rb"RTSP/\d\.\d\s{1,4}\d{3}\b")
_ANSWER_BYTES: Final = len("RTSP/1.0    200 ")
_REQUEST: Final = re.compile(rb"[A-Z_]{4,16} [!-~]{1,2048} RTSP/1\.\d\r?\n")
_SESSION: Final = re.compile(r"\s*([!-:<-~]{1,256})\s*(?:;\s*timeout\s*=\s*(\d{1,6}))?")
_INFO_PAIR: Final = re.compile(r"\s*(url|seq|rtptime)\s*=\s*([^;,]*)")
_CHANNELS: Final = re.compile(r"interleaved\s*=\s*(\d{1,3})(?:-(\d{1,3}))?")
_SERVER_PORTS: Final = re.compile(r"server_port\s*=\s*(\d{1,5})(?:-(\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class Message:
    """What the camera says: an answer with its `status`, or a request of its own, whose status is 0.

    The names of `headers` are in lower case; one that came more than once stands there more than once.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str:
        """Return the first header of this name, empty where there is none."""
        return next((value for found, value in self.headers if found == name), "")

    def all(self, name: str) -> list[str]:
        """Return every header of this name."""
        return [value for found, value in self.headers if found == name]


def request(method: str, url: str, number: int, headers: Mapping[str, str]) -> bytes:
    """Return a request's text."""
    lines = [f"{method} {url} RTSP/1.0", f"CSeq: {number}", "User-Agent: homeward"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def begins(data: bytes | bytearray, at: int, end: int) -> bool:
    """Whether a message of the camera begins at `at`, or may begin once more has come.

    A request of which the first line has not all come does not.
    """
    if data.startswith(b"RTSP/", at, end):
        return end - at < _ANSWER_BYTES or _ANSWER.match(data, at, end) is not None
    return _REQUEST.match(data, at, end) is not None


def take(data: bytes | bytearray, at: int, end: int) -> tuple[Message, int] | None:
    """Return the message at `at` and where it ends; None where it has not all come before `end`.

    Raises ProtocolError where it is longer than a camera's can be, or does not read.
    """
    close = data.find(b"\r\n\r\n", at, end)
    if close < 0 or close - at > LARGEST_HEAD_BYTES:
        if end - at > LARGEST_HEAD_BYTES:
            raise ProtocolError("its answer is too long")
        return None
    first, *lines = bytes(data[at:close]).decode("utf-8", "replace").split("\r\n")
    found = _STATUS.match(first)
    message = Message(int(found[1]) if found else 0, tuple(_headers(lines)))
    length = message.header("content-length") or "0"
    if not length.isdecimal() or len(length) > 9 or int(length) > LARGEST_BODY_BYTES:  # noqa: PLR2004 - digits
        raise ProtocolError("its answer is too long")
    body_at = close + 4
    ends = body_at + int(length)
    if ends > end:
        return None
    return Message(message.status, message.headers, bytes(data[body_at:ends])), ends


def _headers(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip().lower(), value.strip()


def session_of(header: str) -> tuple[str, int] | None:
    """Return a session's id and its time limit in seconds, 60 where none is told; None where it does not read."""
    found = _SESSION.match(header)
    return None if found is None else (found[1], int(found[2] or 60))


def channels_of(header: str) -> tuple[int, int] | None:
    """Return the interleaved channels of a `Transport` header: RTP's and RTCP's."""
    found = _CHANNELS.search(header)
    if found is None:
        return None
    first, second = int(found[1]), int(found[2] or int(found[1]) + 1)
    return (first, second) if first < 256 and second < 256 and first != second else None  # noqa: PLR2004 - a byte


def server_ports_of(header: str) -> tuple[int, int] | None:
    """Return the camera's ports of a `Transport` header: RTP's and RTCP's."""
    found = _SERVER_PORTS.search(header)
    if found is None:
        return None
    first, second = int(found[1]), int(found[2] or int(found[1]) + 1)
    return (first, second) if 0 < first < 65536 and 0 < second < 65536 else None  # noqa: PLR2004 - 16 bits


@dataclass(frozen=True, slots=True)
class Start:
    """Where a track begins, of an `RTP-Info` header: its first packet's number and time stamp, where it tells them."""

    url: str
    number: int | None
    stamp: int | None


def starts_of(header: str) -> list[Start]:
    """Return what an `RTP-Info` header tells of each track, in its order."""
    found: list[Start] = []
    for part in re.split(r",(?=\s*url\s*=)", header):
        pairs = {name: value.strip() for name, value in _INFO_PAIR.findall(part)}
        number, stamp = pairs.get("seq", ""), pairs.get("rtptime", "")
        found.append(Start(pairs.get("url", ""), _bounded(number, 1 << 16), _bounded(stamp, 1 << 32)))
    return found


def _bounded(text: str, limit: int) -> int | None:
    if not text.isdecimal() or len(text) > 10:  # noqa: PLR2004 - digits of 32 bits
        return None
    return int(text) if int(text) < limit else None
