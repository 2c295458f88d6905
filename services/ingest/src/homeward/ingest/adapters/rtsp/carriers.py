"""How RTP travels: between the messages of the RTSP connection, or by UDP beside it."""

import socket
from collections.abc import Callable
from typing import Final, Protocol

from homeward.ingest.adapters.rtsp import messages
from homeward.ingest.adapters.rtsp.datagrams import Datagrams, PortPair
from homeward.ingest.adapters.rtsp.errors import RefusedError
from homeward.ingest.adapters.rtsp.wire import Run, Sink, Wire

_GATHER_TCP_S: Final = 0.11
"""How long packets gather before they are read, so that a thread wakes some 9 times a second and not for each of 400
packets. At 4 Mbit/s 55 KB come meanwhile, which any socket keeps, and a camera that sends faster is slowed by TCP. No
multiple of a usual frame's 40 or 33 ms, so that some frame of each clip is read as soon as it came: that frame places
the clip in time."""

_GATHER_UDP_S: Final = 0.005
"""The same for UDP, where what the socket cannot keep is lost: 60 KB come meanwhile at the 100 Mbit/s of a camera's
port, and a socket keeps some 180 packets of 1,400 bytes where nobody has raised Linux's limit."""

_HEADER: Final = "RTP/AVP"


class Carrier(Protocol):
    """Brings the tracks' packets. For one thread."""

    gather_s: float

    def offer(self) -> str:
        """Return the `Transport` header of the next track. Raises OSError."""
        ...

    def agree(self, answer: str, rtp: Sink, rtcp: Sink, run: Run | None = None) -> None:
        """Take the camera's `Transport` header for the track last offered. Raises RefusedError.

        `run` takes what follows a packet on a connection, where the track can.
        """
        ...

    def limit(self, seconds: float) -> None:
        """Set how long `pump` may wait."""
        ...

    def pump(self) -> bool:
        """Wait for packets and take them; return whether all that came is taken. Raises as `Wire.pump` does."""
        ...

    def report(self, track: int, packet: bytes) -> None:
        """Send an RTCP packet for a track, by its place in the order of offers. Raises OSError."""
        ...

    def close(self) -> None:
        """Let go of what is its own; never raises."""
        ...


class InterleavedCarrier:
    """RTP on channels of the RTSP connection."""

    def __init__(self, wire: Wire) -> None:
        self.gather_s = _GATHER_TCP_S
        self._wire = wire
        self._channels: list[tuple[int, int]] = []

    def offer(self) -> str:
        """Return the header that asks for the next two channels."""
        first = 2 * len(self._channels)
        return f"{_HEADER}/TCP;unicast;interleaved={first}-{first + 1}"

    def agree(self, answer: str, rtp: Sink, rtcp: Sink, run: Run | None = None) -> None:
        """Take the channels that the camera chose, or those that were asked for where it names none."""
        first = 2 * len(self._channels)
        if "TCP" not in answer.upper() and "interleaved" not in answer:
            raise RefusedError("it does not offer this transport")
        channels = messages.channels_of(answer) or (first, first + 1)
        if self._wire.sinks.keys() & set(channels):
            raise RefusedError("it gives two tracks the same channel")
        self._channels.append(channels)
        self._wire.sinks[channels[0]] = rtp
        self._wire.sinks[channels[1]] = rtcp
        if run is not None:
            self._wire.runs[channels[0]] = run

    def limit(self, seconds: float) -> None:
        """Set how long `pump` may wait."""
        self._wire.stream.limit(seconds)

    def pump(self) -> bool:
        """Take what came on the connection."""
        self._wire.pump()
        return self._wire.stream.drained

    def report(self, track: int, packet: bytes) -> None:
        """Send an RTCP packet on the track's second channel."""
        channel = self._channels[track][1]
        self._wire.stream.send(b"$" + bytes([channel]) + len(packet).to_bytes(2, "big") + packet)

    def close(self) -> None:
        """Do nothing: the connection is another's."""


class DatagramCarrier:
    """RTP on pairs of UDP ports. Packets are taken from the camera's own address alone."""

    def __init__(self, wire: Wire, local: socket.socket, monotonic: Callable[[], float]) -> None:
        """`local` is the RTSP connection's socket, whose addresses hold for UDP as well."""
        self.gather_s = _GATHER_UDP_S
        self._family = local.family
        self._host = str(local.getsockname()[0])
        self._camera = str(local.getpeername()[0])
        self._pairs: list[PortPair] = []
        self._datagrams = Datagrams(wire, monotonic)

    def offer(self) -> str:
        """Take two ports and return the header that asks for packets on them."""
        pair = PortPair(self._host, self._family)
        self._pairs.append(pair)
        return f"{_HEADER};unicast;client_port={pair.port}-{pair.port + 1}"

    def agree(self, answer: str, rtp: Sink, rtcp: Sink, run: Run | None = None) -> None:  # noqa: ARG002 - datagrams come singly
        """Take the ports from which the camera sends."""
        ports = messages.server_ports_of(answer)
        if ports is None or "TCP" in answer.upper():
            raise RefusedError("it does not offer this transport")
        pair = self._pairs[-1]
        pair.connect(self._camera, ports)
        self._datagrams.add(pair, rtp, rtcp)

    def limit(self, seconds: float) -> None:
        """Set how long `pump` may wait."""
        self._datagrams.limit_s = seconds

    def pump(self) -> bool:
        """Take what came on all sockets."""
        self._datagrams.pump()
        return True

    def report(self, track: int, packet: bytes) -> None:
        """Send an RTCP packet; one that cannot be sent is none, as with any datagram."""
        try:
            self._pairs[track].rtcp.send(packet)
        except OSError:
            return

    def close(self) -> None:
        """Give the ports back."""
        for pair in self._pairs:
            pair.close()
