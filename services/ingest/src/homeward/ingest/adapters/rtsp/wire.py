"""The RTSP connection: the camera's messages, and between them RTP behind `$` (RFC 2326, section 10.12)."""

from collections.abc import Callable
from typing import Final

from homeward.ingest.adapters.rtsp import messages
from homeward.ingest.adapters.rtsp.errors import EndedError, ProtocolError
from homeward.ingest.adapters.rtsp.streams import ByteStream

Sink = Callable[[memoryview, int, int], None]
"""Takes the packet that lies in the buffer at `start` to `end`; the buffer is used again afterwards."""

Run = Callable[[int, bytearray, memoryview, tuple[int, int]], int]
"""Takes, behind a packet of the channel, those that it knows to go on with it, as `VideoTrack.take_run` does."""

_BUFFER_BYTES: Final = 128 << 10
"""A quarter of a second at 4 Mbit/s, so that one call takes all that gathered; and more than the longest frame behind
`$`."""

_ANSWER: Final = b"RTSP/"
_DOLLAR: Final = 0x24
_VERSION: Final = 0b10
_SHORTEST: Final = 8
"""An RTCP packet without a body; RTP's are longer."""

_MOST_ASTRAY_BYTES: Final = 1 << 20
"""After so much without one readable frame the connection is given up."""


class Wire:
    """Reads one connection. For one thread.

    Packets go to the sink of their channel, and the camera's answers to `heard`, in the order in which they came.
    Bytes that are neither are skipped up to the next frame, and `astray` is called. A frame of a channel without a sink
    is skipped as well, and so is what the camera asks of its own. A channel of `runs` has a sink too.
    """

    def __init__(
        self, stream: ByteStream, *, heard: Callable[[messages.Message], None], astray: Callable[[], None]
    ) -> None:
        self.stream = stream
        self.sinks: dict[int, Sink] = {}
        self.runs: dict[int, Run] = {}
        self._heard = heard
        self._astray = astray
        self._buffer = bytearray(_BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._filled = 0
        self._lost_bytes = 0

    def pump(self) -> None:
        """Wait for bytes and take them. Raises OSError, ProtocolError, EndedError, and what those called raise."""
        count = self.stream.recv_into(self._view[self._filled :])
        if not count:
            raise EndedError("it hung up")
        end = self._filled + count
        taken = self._take(end)
        self._filled = end - taken
        if taken and self._filled:
            self._view[: self._filled] = self._view[taken:end]

    def _take(self, end: int) -> int:  # noqa: C901 - runs for each packet, where calls cost more than branches
        """Take what stands in the buffer up to `end`; return up to where."""
        buffer, view, sinks, runs = self._buffer, self._view, self.sinks, self.runs
        at = 0
        while at < end:
            if buffer[at] == _DOLLAR:
                if at + 5 > end:
                    break
                body = at + 4
                ends = body + (buffer[at + 2] << 8 | buffer[at + 3])
                if buffer[body] >> 6 == _VERSION and ends - body >= _SHORTEST:
                    if ends > end:
                        break
                    channel = buffer[at + 1]
                    at = ends
                    sink = sinks.get(channel)
                    if sink is not None:
                        sink(view, body, ends)
                        self._lost_bytes = 0
                        run = runs.get(channel)
                        if run is not None:
                            at = run(channel, buffer, view, (at, end))
                    continue
            elif messages.begins(buffer, at, end):
                found = messages.take(buffer, at, end)
                if found is None:
                    break
                message, at = found
                if message.status:
                    self._heard(message)
                continue
            elif end - at < len(_ANSWER) and _ANSWER.startswith(buffer[at:end]):
                break
            after = self._resume(at + 1, end)
            self._lose(after - at)
            at = after
        return at

    def _resume(self, at: int, end: int) -> int:
        """Return where, from `at` on, a frame or an answer may begin."""
        buffer = self._buffer
        answer = buffer.find(_ANSWER, at, end)
        limit = end if answer < 0 else answer
        while (at := buffer.find(b"$", at, limit)) >= 0:
            if at + 5 > end:
                return at
            size = buffer[at + 2] << 8 | buffer[at + 3]
            if buffer[at + 1] in self.sinks and size >= _SHORTEST and buffer[at + 4] >> 6 == _VERSION:
                return at
            at += 1
        return limit

    def _lose(self, count: int) -> None:
        self._astray()
        self._lost_bytes += count
        if self._lost_bytes > _MOST_ASTRAY_BYTES:
            raise ProtocolError("it sends what is no RTSP")
