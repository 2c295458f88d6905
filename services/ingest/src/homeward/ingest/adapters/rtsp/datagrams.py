"""RTP and RTCP over UDP: a pair of ports a track (RFC 3550, section 11)."""

import random
import select
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from homeward.ingest.adapters.rtsp.rtp import HEADER, Reorderer
from homeward.ingest.adapters.rtsp.wire import Sink, Wire

_PORTS: Final = range(20_000, 32_000, 2)
"""Below the ports that Linux hands out by itself, so that a pair is rarely half taken."""
_TRIES: Final = 50

_QUEUE_BYTES: Final = 4 << 20
"""What the kernel is asked to keep for a track: a key frame comes at the speed of the network. It grants less where
`net.core.rmem_max` is smaller, of which a packet of 1,400 bytes takes 2,304."""

_LONGEST_DATAGRAM: Final = 65_536
_MOST_AT_ONCE: Final = 1_000
"""After so many datagrams of one socket the others have their turn."""


class PortPair:
    """A track's two sockets, bound to `host`: an even port for RTP, the next for RTCP."""

    def __init__(self, host: str, family: socket.AddressFamily) -> None:
        """Take two free ports. Raises OSError where none are found."""
        self.rtp, self.rtcp, self.port = _bound(host, family)
        with suppress(OSError):
            self.rtp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _QUEUE_BYTES)

    def connect(self, host: str, ports: tuple[int, int]) -> None:
        """Take packets from the camera alone, and send it one each way, which opens firewalls between."""
        self.rtp.connect((host, ports[0]))
        self.rtcp.connect((host, ports[1]))
        with suppress(OSError):
            # An empty RTP packet and an empty receiver's report.
            self.rtp.send(b"\x80" + b"\x00" * 11)
            self.rtcp.send(b"\x80\xc9\x00\x01" + b"\x00" * 4)

    def close(self) -> None:
        """Give the ports back."""
        self.rtp.close()
        self.rtcp.close()


def _bound(host: str, family: socket.AddressFamily) -> tuple[socket.socket, socket.socket, int]:
    for _ in range(_TRIES):
        port = random.choice(_PORTS)  # noqa: S311 - which ports are free is no secret
        rtp, rtcp = socket.socket(family, socket.SOCK_DGRAM), socket.socket(family, socket.SOCK_DGRAM)
        try:
            rtp.bind((host, port))
            rtcp.bind((host, port + 1))
        except OSError:
            rtp.close()
            rtcp.close()
        else:
            rtp.settimeout(0)
            rtcp.settimeout(0)
            return rtp, rtcp, port
    raise OSError("no free ports")


class Datagrams:
    """Reads the tracks' sockets and the RTSP connection beside them. For one thread."""

    def __init__(self, wire: Wire, monotonic: Callable[[], float]) -> None:
        """`monotonic` tells seconds that never run backwards."""
        self._wire = wire
        self._monotonic = monotonic
        self._poll = select.poll()
        self._poll.register(wire.stream.fileno(), select.POLLIN)
        self._readers: dict[int, Callable[[], None]] = {}
        self._queues: list[tuple[Reorderer, Sink]] = []
        self._scratch = memoryview(bytearray(_LONGEST_DATAGRAM))
        self.limit_s = 0.0

    def add(self, pair: PortPair, rtp: Sink, rtcp: Sink) -> Reorderer:
        """Read `pair` from now on; return what puts its RTP into order."""
        queue = Reorderer()
        self._queues.append((queue, rtp))
        self._readers[pair.rtp.fileno()] = lambda: self._read_rtp(pair.rtp, queue, rtp)
        self._readers[pair.rtcp.fileno()] = lambda: self._read_rtcp(pair.rtcp, rtcp)
        for number in (pair.rtp.fileno(), pair.rtcp.fileno()):
            self._poll.register(number, select.POLLIN)
        return queue

    def pump(self) -> None:
        """Wait for `limit_s` at the most and take what came. Raises TimeoutError, and as `Wire.pump` does."""
        waiting = any(queue.waiting for queue, _ in self._queues)
        limit_s = min(self.limit_s, Reorderer.LONGEST_S) if waiting else self.limit_s
        ready = self._poll.poll(max(limit_s, 0) * 1000)
        if not ready and not waiting:
            raise TimeoutError
        for number, _ in ready:
            if number == self._wire.stream.fileno():
                self._wire.pump()
            elif number in self._readers:
                self._readers[number]()
        for queue, sink in self._queues:
            if queue.waiting:
                self._hand_on(queue.due(self._monotonic()), sink)

    def _read_rtp(self, rtp: socket.socket, queue: Reorderer, sink: Sink) -> None:
        scratch = self._scratch
        for _ in range(_MOST_AT_ONCE):
            count = _receive(rtp, scratch)
            if count is None:
                return
            if count < HEADER.size or scratch[0] >> 6 != 2:  # noqa: PLR2004 - the version
                continue
            number = scratch[2] << 8 | scratch[3]
            if queue.in_turn(number):
                sink(scratch, 0, count)
            else:
                self._hand_on(queue.keep(number, bytes(scratch[:count]), self._monotonic()), sink)

    def _read_rtcp(self, rtcp: socket.socket, sink: Sink) -> None:
        for _ in range(_MOST_AT_ONCE):
            count = _receive(rtcp, self._scratch)
            if count is None:
                return
            sink(self._scratch, 0, count)

    @staticmethod
    def _hand_on(packets: list[bytes], sink: Sink) -> None:
        for packet in packets:
            sink(memoryview(packet), 0, len(packet))


def _receive(source: socket.socket, scratch: memoryview) -> int | None:
    """Return the length of the next datagram, None where none is waiting."""
    try:
        return source.recv_into(scratch)
    except (BlockingIOError, ConnectionRefusedError):
        # Refused is what we sent, where a camera sends from a port at which it does not listen.
        return None
