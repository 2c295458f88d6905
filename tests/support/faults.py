"""A bad network between a viewer and an RTSP server: late, cut, half open, and over UDP with packets lost or late.

What the kernel's own emulation (netem) would do is done here by hand: not every kernel has it, and what was lost is
known to the packet.
"""

import asyncio
import random
import re
import struct
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import urlsplit, urlunsplit

from support.relay import UdpRelay

_HOST: Final = "127.0.0.1"
_CHUNK_BYTES: Final = 1 << 16
_PATIENCE_S: Final = 10.0
_CLIENT_PORTS: Final = re.compile(rb"client_port=(\d+)-(\d+)")
_SERVER_PORTS: Final = re.compile(rb"server_port=(\d+)-(\d+)")


@dataclass(frozen=True, slots=True)
class Lost:
    """One RTP packet that the network lost: when (Unix time), of which SETUP of its connection, and its numbers."""

    at_s: float
    track: int
    sequence: int
    stamp: int


@dataclass
class Weather:
    """What the network does to RTP over UDP. `loses` is asked of each packet's track; `delay_s` varies by `jitter_s`.

    A packet that is late by more than its successors' way overtakes nothing: it is overtaken.
    """

    loses: Callable[[int], bool] = lambda _: False
    delay_s: float = 0.0
    jitter_s: float = 0.0


@dataclass(eq=False)
class _Connection:
    viewer: asyncio.StreamWriter
    server: asyncio.StreamWriter
    relays: list[UdpRelay] = field(default_factory=list)
    pending: list[tuple[int, int]] = field(default_factory=list)


class FaultProxy:
    """Stands before the server of `port`, on loopback; a viewer goes to `url(...)` of the server's own.

    `accepted` counts the connections so far; `delay_s` is what TCP takes each way; `lost` is what UDP lost.
    """

    def __init__(self, port: int, *, seed: int = 1) -> None:
        self._upstream = port
        self._random = random.Random(seed)  # noqa: S311 - weather, not secrets
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._connections: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._listener: asyncio.Server | None = None
        self._port = 0
        self.accepted = 0
        self.delay_s = 0.0
        self.weather = Weather()
        self.lost: list[Lost] = []

    def __enter__(self) -> Self:
        self._flowing.set()
        self._thread.start()
        self._call(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self.refuse()
        self.cut()
        self._call(self._settle())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE_S)
        self._loop.close()

    def url(self, url: str) -> str:
        """Return the server's URL as it is on this side of the network."""
        parts = urlsplit(url)
        return urlunsplit(parts._replace(netloc=f"{_HOST}:{self._port}"))

    def cut(self) -> None:
        """Reset every connection."""
        self._call(self._cut())

    def stall(self) -> None:
        """Let nothing through, either way, with every connection left open."""
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def flow(self) -> None:
        """Let everything through again."""
        self._loop.call_soon_threadsafe(self._flowing.set)

    def refuse(self) -> None:
        """Take no connection any more."""
        self._call(self._refuse())

    def accept(self) -> None:
        """Take connections again, on the same port."""
        self._call(self._listen())

    def garbage(self, size_bytes: int) -> None:
        """Put noise into what the viewers are sent."""
        self._call(self._garbage(size_bytes))

    def lose(self, share: float, *, track: int | None = None) -> None:
        """Lose a share of the RTP packets over UDP, of one track or of all."""
        self.weather.loses = lambda of: (track is None or of == track) and self._random.random() < share

    def lose_burst(self, packets: int, *, track: int = 0) -> None:
        """Lose the next `packets` RTP packets of a track, and then no more."""
        left = [packets]

        def loses(of: int) -> bool:
            if of != track or left[0] == 0:
                return False
            left[0] -= 1
            return True

        self.weather.loses = loses

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_S)

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._serve, _HOST, self._port)
        self._port = int(self._listener.sockets[0].getsockname()[1])

    async def _refuse(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def _cut(self) -> None:
        self._flowing.set()
        for connection in tuple(self._connections):
            connection.viewer.transport.abort()
            connection.server.transport.abort()
            for relay in connection.relays:
                relay.close()

    async def _settle(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _garbage(self, size_bytes: int) -> None:
        for connection in self._connections:
            connection.viewer.write(self._random.randbytes(size_bytes))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.accepted += 1
        try:
            server_reader, server_writer = await asyncio.open_connection(_HOST, self._upstream)
        except OSError:
            writer.transport.abort()
            return
        connection = _Connection(writer, server_writer)
        self._connections.add(connection)
        try:
            await asyncio.gather(
                self._pump(reader, server_writer, lambda data: self._requested(connection, data)),
                self._pump(server_reader, writer, lambda data: self._answered(connection, data)),
            )
        finally:
            self._connections.discard(connection)
            for relay in connection.relays:
                relay.close()

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        change: Callable[[bytes], Coroutine[Any, Any, bytes]],
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK_BYTES):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                await self._flowing.wait()
                writer.write(await change(data))
                await writer.drain()
        writer.close()

    async def _requested(self, connection: _Connection, data: bytes) -> bytes:
        """Put our own ports in place of the viewer's. A request is small: it comes in one piece."""
        asked = _CLIENT_PORTS.search(data)
        if not data.startswith(b"SETUP") or asked is None:
            return data
        viewer = (int(asked[1]), int(asked[2]))
        relay = await UdpRelay.lay(viewer, self._arrange(len(connection.relays)))
        connection.relays.append(relay)
        connection.pending.append(viewer)
        return _CLIENT_PORTS.sub(b"client_port=%d-%d" % relay.facing_server, data)

    async def _answered(self, connection: _Connection, data: bytes) -> bytes:
        told = _SERVER_PORTS.search(data)
        if not connection.pending or told is None:
            return data
        relay = connection.relays[-1]
        relay.server = (int(told[1]), int(told[2]))
        data = _CLIENT_PORTS.sub(b"client_port=%d-%d" % connection.pending.pop(), data)
        return _SERVER_PORTS.sub(b"server_port=%d-%d" % relay.facing_viewer, data)

    def _arrange(self, track: int) -> Callable[[bytes], float | None]:
        """Return what tells how many seconds each of the server's RTP packets takes, None for one that is lost."""

        def arrange(packet: bytes) -> float | None:
            if not self._flowing.is_set():
                return None
            weather = self.weather
            if weather.loses(track):
                sequence, stamp = struct.unpack_from(">HI", packet, 2)
                self.lost.append(Lost(time.time(), track, sequence, stamp))
                return None
            return weather.delay_s + self._random.random() * weather.jitter_s

        return arrange
