"""Where the CPU of a recorded camera goes that no recorder can save, in whatever language it is written.

`make bench-ingest`. Each part is measured alone, on the film of the other figures: reading the camera's bytes from the
kernel, FFmpeg's muxer and the disk, the decode proof, making a clip durable and hashing it, and its way into the object
store. What `ingest.cpu_vs_ffmpeg` has beyond them is packet handling, threads and the interpreter.
"""

import hashlib
import os
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import av
from ingest import ffmpeg, ffmpeg_version, measure_ffmpeg, world_and_cameras

from homeward.ingest.adapters.disk_spool import DiskSpool
from homeward.ingest.adapters.pyav_proof import decodes
from homeward.ingest.adapters.pyav_writer import PyavWriters
from homeward.ingest.media.decode_checks import CHECK_EACH
from homeward.ingest.media.packets import Stamped
from homeward.shared.objectkeys import FOOTAGE_BUCKET
from homeward.shared.objectstore.minio_store import MinioStore
from measure import REPEATS, figure, publish
from support.film import FULL_HD, cached_film

PEERS: Final = 8
_READ_BYTES: Final = 55_000
"""What gathers at 4 Mbit/s between two readings."""


class Film:
    """A camera's packets, as the muxer takes them."""

    def __init__(self, path: Path) -> None:
        self._container = av.open(str(path))
        self.stream: Any = self._container.streams.video[0]
        self.time_base = self.stream.time_base
        self.audio = None
        self.packets = [
            Stamped(packet.pts or 0, packet.dts or 0, packet.duration or 0, packet.is_keyframe, packet)
            for packet in self._container.demux(self.stream)
            if packet.size
        ]
        self.lasts_s = len(self.packets) / FULL_HD.fps
        self.size_bytes = path.stat().st_size


def spent_ms(work: Callable[[], None], over_s: float) -> float:
    """Return the CPU of this thread that `work` takes, in ms for each of `over_s` seconds of film."""
    began_s = time.thread_time()
    work()
    return (time.thread_time() - began_s) * 1000 / over_s


def reading_ms(film: Film) -> float:
    """Return what it costs to read the camera's bytes from a socket."""
    ours, theirs = socket.socketpair()

    def send() -> None:
        with theirs:
            theirs.sendall(bytes(film.size_bytes))

    sender = threading.Thread(target=send)
    sender.start()
    buffer = memoryview(bytearray(_READ_BYTES))

    def read() -> None:
        while ours.recv_into(buffer):
            pass

    with ours:
        cost_ms = spent_ms(read, film.lasts_s)
    sender.join()
    return cost_ms


def parts_ms(film: Film, folder: Path, store: MinioStore) -> dict[str, float]:
    """Return the parts of one clip that lasts as long as the film."""
    spool, path = DiskSpool(folder / "spool", 1 << 30), folder / "clip.mp4"
    session: Any = film
    key = next(one for one in film.packets if one.key).payload

    def mux() -> None:
        writer = PyavWriters().begin(path, session, check=False)
        for packet in film.packets:
            writer.write(packet)
        writer.finish(1)

    def put() -> None:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            size = path.stat().st_size
            store.put(FOOTAGE_BUCKET, "bench/clip", file, size_bytes=size, metadata={"sha256": digest})

    return {
        "reading": reading_ms(film),
        "muxing": spent_ms(mux, film.lasts_s),
        "decode proof": spent_ms(lambda: _must(decodes(film.stream, key)), CHECK_EACH.total_seconds()),
        "sync and hash": spent_ms(lambda: _must(bool(spool.seal(path).size_bytes)), film.lasts_s),
        "storing": spent_ms(put, film.lasts_s),
    }


def _must(true: bool) -> None:
    if not true:
        raise RuntimeError("a part did not do its work")


def main() -> None:
    """Measure and publish."""
    ffmpeg()
    with world_and_cameras() as (world, cameras, folder), tempfile.TemporaryDirectory() as own:
        store = MinioStore(world.store.settings)
        runs = [parts_ms(Film(cached_film(FULL_HD)), Path(own), store) for _ in range(REPEATS + 1)][1:]
        theirs = measure_ffmpeg(folder, cameras, PEERS)
    middle = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    told = ", ".join(f"{name} {value:.2f}" for name, value in middle.items())
    publish(
        figure(
            "ingest.least_cpu_vs_ffmpeg",
            [sum(run.values()) / (his * 1000) for run, his in zip(runs, theirs.cores, strict=True)],
            unit="times its CPU",
            at_most=1 / 3,
            against=f"{ffmpeg_version()}, one -c copy -f segment a camera ({theirs.told(PEERS)})",
            source=f"ms of CPU a second of one camera that no recorder can save: {told}; {os.cpu_count()} cores",
        )
    )


if __name__ == "__main__":
    main()
