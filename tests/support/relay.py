"""Two UDP ports on either side, for the RTP and the RTCP of one track."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Self

_HOST: Final = "127.0.0.1"
_ATTEMPTS: Final = 50


class _Side(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.transport: Any = None
        self.take: Callable[[bytes], None] = lambda _: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002 - asyncio's
        self.take(data)

    @property
    def port(self) -> int:
        return int(self.transport.get_extra_info("sockname")[1])

    def send(self, data: bytes, port: int) -> None:
        if port and not self.transport.is_closing():
            self.transport.sendto(data, (_HOST, port))


@dataclass(eq=False)
class UdpRelay:
    """Carries one track's datagrams; `server` is where its ports are, (0, 0) until it has told them.

    `way` tells how many seconds an RTP packet of the server takes, None for one that never arrives.
    """

    to_server: tuple[_Side, _Side]
    to_viewer: tuple[_Side, _Side]
    viewer: tuple[int, int]
    way: Callable[[bytes], float | None]
    server: tuple[int, int] = (0, 0)

    @classmethod
    async def lay(cls, viewer: tuple[int, int], way: Callable[[bytes], float | None]) -> Self:
        """Open the ports and carry, until `close`."""
        relay = cls(await _pair(), await _pair(), viewer, way)
        relay.to_server[0].take = relay._rtp
        relay.to_server[1].take = lambda data: relay.to_viewer[1].send(data, relay.viewer[1])
        for index in (0, 1):
            relay.to_viewer[index].take = lambda data, index=index: relay.to_server[index].send(  # type: ignore[misc]
                data, relay.server[index]
            )
        return relay

    @property
    def facing_server(self) -> tuple[int, int]:
        """The ports that the server takes for the viewer's."""
        return self.to_server[0].port, self.to_server[1].port

    @property
    def facing_viewer(self) -> tuple[int, int]:
        """The ports that the viewer takes for the server's."""
        return self.to_viewer[0].port, self.to_viewer[1].port

    def close(self) -> None:
        """Let the ports go; idempotent."""
        for side in (*self.to_server, *self.to_viewer):
            side.transport.close()

    def _rtp(self, data: bytes) -> None:
        takes_s = self.way(data)
        if takes_s is None:
            return
        if takes_s == 0:
            self.to_viewer[0].send(data, self.viewer[0])
        else:
            asyncio.get_running_loop().call_later(takes_s, self.to_viewer[0].send, data, self.viewer[0])


async def _pair() -> tuple[_Side, _Side]:
    """Return an even port and the next, as RTP wants them (RFC 3550, section 11)."""
    loop = asyncio.get_running_loop()
    for _ in range(_ATTEMPTS):
        _, first = await loop.create_datagram_endpoint(_Side, local_addr=(_HOST, 0))
        if first.port % 2 == 0:
            try:
                _, second = await loop.create_datagram_endpoint(_Side, local_addr=(_HOST, first.port + 1))
            except OSError:
                pass
            else:
                return first, second
        first.transport.close()
    raise OSError("no two ports in a row are free")
