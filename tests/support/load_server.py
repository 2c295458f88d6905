"""Many cameras in one process: an RTSP server over TCP that plays one film, packets cut beforehand, to all of them.

Run as a program: `load_server.py FILM GROUPS SENT`. Cameras of a group (`/cam-N` is in group N modulo GROUPS) send the
same bytes at the same time; groups stand at other places of the film. Prints its port, then reads orders from stdin,
a JSON object a line, and answers each on stdout; ends when stdin is closed. What was sent to whom is written to
SENT, a JSON object a line: `camera`, `from_s` and `to_s` (Unix time at which the first frame began and the last ended)
and `clock_s`, by how much the camera's own clock was ahead.

Orders: `{"do": "cut", "camera": N}` hangs up; `stall` falls silent for `for_s` with the connection open; `garbage`
puts noise between two packets; `lose` leaves `packets` packets of the next frame out; `away` hangs up and refuses
everybody for `for_s`; `clock` sets the camera's clock ahead by `by_s`; `restart` ends everything and listens anew
after `for_s`; `stats` answers how many watch and how late frames went out at the worst.
"""

import asyncio
import json
import os
import random
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.rtp_film import CLOCK_HZ, RtpFilm, cut, sender_report  # noqa: E402, I001, RUF100 - found by the line above

_HOST: Final = "127.0.0.1"
_REPORT_S: Final = 5.0
_BACKLOG_BYTES: Final = 8 << 20
"""A viewer that takes no more than this is hung up on, as cameras do: they have little memory."""


@dataclass
class Group:
    """Cameras that send the same: where in the film they are, and their clock."""

    ssrc: int
    position: int
    sequence: int
    stamp: int
    packets: int = 0
    octets: int = 0
    clock_s: float = 0.0
    reported_s: float = 0.0
    lose: int = 0
    viewers: set["Viewer"] = field(default_factory=set)


@dataclass(eq=False)
class Viewer:
    """One connection that plays; `began_s` is None until the first key frame."""

    camera: int
    writer: asyncio.StreamWriter
    began_s: float | None = None
    until_s: float = 0.0


class LoadServer:
    """Everything that this process serves."""

    def __init__(self, film: RtpFilm, groups: int, sent: TextIO, seed: int = 1) -> None:
        self._film = film
        self._sent = sent
        self._random = random.Random(seed)  # noqa: S311 - noise of a test
        self._groups = [
            Group(
                ssrc=self._random.getrandbits(32),
                position=len(film.frames) * index // groups,
                sequence=self._random.getrandbits(16),
                stamp=self._random.getrandbits(32),
            )
            for index in range(groups)
        ]
        self._connections: set[asyncio.StreamWriter] = set()
        self._silent_until: dict[int, float] = {}
        self._away_until: dict[int, float] = {}
        self._latest_s = 0.0
        self._server: asyncio.Server | None = None
        self._restarting: asyncio.Task[None] | None = None
        self.port = 0

    async def listen(self) -> None:
        """Listen, on the same port each time."""
        self._server = await asyncio.start_server(self._serve, _HOST, self.port, limit=1 << 20)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def play(self) -> None:
        """Send every group's frames when they are due."""
        frame_s, count = 1 / self._film.fps, len(self._groups)
        began_s, tick = time.time() - time.monotonic(), 0
        start_s = time.monotonic()
        while True:
            due_s = start_s + tick * frame_s / count
            wait_s = due_s - time.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            else:
                self._latest_s = max(self._latest_s, -wait_s)
                if tick % 8 == 0:
                    await asyncio.sleep(0)
            self._send(self._groups[tick % count], began_s + due_s)
            tick += 1

    def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out one order and return the answer."""
        if order["do"] == "stats":
            latest_s, self._latest_s = self._latest_s, 0.0
            return {"viewers": sum(len(each.viewers) for each in self._groups), "late_s": round(latest_s, 3)}
        if order["do"] == "restart":
            self._restarting = asyncio.get_running_loop().create_task(self._restart(order["for_s"]))
            return {}
        camera = int(order["camera"])
        group = self._groups[camera % len(self._groups)]
        watching = [viewer for viewer in group.viewers if viewer.camera == camera]
        self._trouble(order, group, camera, watching)
        return {"watching": len(watching)}

    def _trouble(self, order: dict[str, Any], group: Group, camera: int, watching: list[Viewer]) -> None:
        match order["do"]:
            case "lose":
                group.lose = int(order["packets"])
            case "clock":
                self._set_clock(group, order["by_s"])
            case "stall":
                self._silent_until[camera] = time.time() + order["for_s"]
                for viewer in watching:
                    self._pause(viewer)
            case "garbage":
                for viewer in watching:
                    viewer.writer.write(self._random.randbytes(5000))
            case "cut" | "away" as trouble:
                if trouble == "away":
                    self._away_until[camera] = time.time() + order["for_s"]
                for viewer in watching:
                    self._hang_up(viewer)
            case unknown:
                raise ValueError(unknown)

    def _set_clock(self, group: Group, by_s: float) -> None:
        for viewer in group.viewers:
            self._write_down(viewer, group)
            viewer.began_s = None if viewer.began_s is None else viewer.until_s
        group.clock_s += by_s
        group.stamp += int(by_s * CLOCK_HZ)
        group.reported_s = 0

    def close(self) -> None:
        """Write down what every viewer was sent."""
        for group in self._groups:
            for viewer in tuple(group.viewers):
                self._hang_up(viewer)

    def _send(self, group: Group, at_s: float) -> None:
        film = self._film
        frame = film.frames[group.position]
        group.position = (group.position + 1) % len(film.frames)
        group.stamp += film.ticks
        if not group.viewers:
            return
        data: bytes | bytearray = frame.stamped(group.sequence, group.stamp, group.ssrc)
        group.sequence += len(frame.starts)
        group.packets += len(frame.starts)
        group.octets += len(data) - 16 * len(frame.starts)
        if group.lose:
            # What is lost is the frame's beginning, so that what is left of it cannot be taken for a whole one.
            first = min(group.lose, len(frame.starts))
            data = data[frame.starts[first] :] if first < len(frame.starts) else b""
            group.lose = 0
        if at_s - group.reported_s >= _REPORT_S:
            group.reported_s = at_s
            report = sender_report(at_s + group.clock_s, group.stamp, group.ssrc, group.packets, group.octets)
            data = report + bytes(data)
        for viewer in tuple(group.viewers):
            self._send_to(viewer, data, at_s, key=frame.key)

    def _send_to(self, viewer: Viewer, data: bytes | bytearray, at_s: float, *, key: bool) -> None:
        if self._silent_until.get(viewer.camera, 0) > at_s:
            return
        transport = viewer.writer.transport
        if transport.is_closing() or transport.get_write_buffer_size() > _BACKLOG_BYTES:
            self._hang_up(viewer)
            return
        if viewer.began_s is None:
            if not key:
                return
            viewer.began_s = at_s
        viewer.until_s = at_s + 1 / self._film.fps
        viewer.writer.write(data)

    def _pause(self, viewer: Viewer) -> None:
        """Write down what the viewer was sent; what follows begins with a key frame."""
        self._write_down(viewer, self._groups[viewer.camera % len(self._groups)])
        viewer.began_s = None

    def _write_down(self, viewer: Viewer, group: Group) -> None:
        if viewer.began_s is None or viewer.until_s <= viewer.began_s:
            return
        run = {"camera": viewer.camera, "from_s": viewer.began_s, "to_s": viewer.until_s, "clock_s": group.clock_s}
        self._sent.write(json.dumps(run) + "\n")
        self._sent.flush()

    def _hang_up(self, viewer: Viewer) -> None:
        self._pause(viewer)
        self._groups[viewer.camera % len(self._groups)].viewers.discard(viewer)
        viewer.writer.transport.abort()

    async def _restart(self, for_s: float) -> None:
        assert self._server is not None
        self._server.close()
        self.close()
        for writer in tuple(self._connections):
            writer.transport.abort()
        await asyncio.sleep(for_s)
        await self.listen()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        watching: Viewer | None = None
        try:
            while (request := await _request(reader)) is not None:
                method, url, headers = request
                camera = _camera(url)
                now_s = time.time()
                if self._away_until.get(camera, 0) > now_s:
                    return
                if self._silent_until.get(camera, 0) > now_s:
                    continue
                writer.write(self._answer(method, url, headers))
                if method == "PLAY" and watching is None:
                    watching = Viewer(camera, writer)
                    group = self._groups[camera % len(self._groups)]
                    group.viewers.add(watching)
                    # A viewer learns the camera's clock with its first frame.
                    group.reported_s = 0
                if method == "TEARDOWN":
                    await writer.drain()
                    return
        except (OSError, ValueError, asyncio.IncompleteReadError):
            return
        finally:
            if watching is not None:
                self._pause(watching)
                self._groups[watching.camera % len(self._groups)].viewers.discard(watching)
            self._connections.discard(writer)
            writer.close()

    def _answer(self, method: str, url: str, headers: dict[str, str]) -> bytes:
        status, extra, body = "200 OK", "Session: 1;timeout=60\r\n", ""
        match method:
            case "OPTIONS":
                extra = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER\r\n"
            case "DESCRIBE":
                extra, body = f"Content-Type: application/sdp\r\nContent-Base: {url}/\r\n", self._film.sdp
            case "SETUP" if "TCP" in headers.get("transport", ""):
                extra += "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
            case "SETUP":
                status, extra = "461 Unsupported Transport", ""
            case _:
                pass
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        return f"RTSP/1.0 {status}\r\nCSeq: {headers.get('cseq', '0')}\r\n{extra}{length}\r\n{body}".encode()


def _camera(url: str) -> int:
    """Return N of a URL whose path begins with /cam-N."""
    path = url.split("://", 1)[-1].partition("/")[2].split("/")[0]
    return int(path.removeprefix("cam-"))


async def _request(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str]] | None:
    """Return the next request's method, URL and headers, past what the viewer sends of RTCP; None at the end."""
    while True:
        first = await reader.read(1)
        if not first:
            return None
        if first == b"$":
            header = await reader.readexactly(3)
            await reader.readexactly(int.from_bytes(header[1:]))
            continue
        lines = (first + await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        if not lines[0]:
            continue
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
        }
        await reader.readexactly(int(headers.get("content-length", "0")))
        method, url, _ = lines[0].split()
        return method, url, headers


async def _main(film: str, groups: str, log: TextIO) -> None:
    loop = asyncio.get_running_loop()
    server = LoadServer(cut(Path(film)), int(groups), log)
    await server.listen()
    print(server.port, flush=True)  # noqa: T201 - the answer
    playing = loop.create_task(server.play())
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), os.fdopen(0, "rb"))
    while line := await orders.readline():
        print(json.dumps(server.obey(json.loads(line))), flush=True)  # noqa: T201 - the answer
    server.close()
    playing.cancel()
    with suppress(asyncio.CancelledError):
        await playing


if __name__ == "__main__":
    with Path(sys.argv[3]).open("a") as sent:
        asyncio.run(_main(sys.argv[1], sys.argv[2], sent))
