"""What recording a camera costs beside one `ffmpeg -c copy -f segment` a camera, and how soon a clip is announced.

`make bench-ingest`. Both record the same cameras, 1080p at 25 frames and 4 Mbit a second from one loopback server, in
turn. Ours ends in clips on the spool, in the object store and in Kafka; the store's, the broker's and the cameras' own
processes are not counted. INGEST_CAMERAS says how many; where the machine cannot carry as many, fewer are tried.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from homeward.cli.eventlog import EventLog
from homeward.shared.topics import CLIPS
from homewardapi.clip.v1.clip_pb2 import Clip
from measure import REPEATS, Figure, figure, publish
from support.costs import Costs, Machine, cpu_seconds, machine_idle_share
from support.film import FULL_HD, cached_film
from support.ingest_world import IngestWorld, camera, running_world
from support.load_cameras import LoadCameras

CLIP_S: Final = 10.0
WINDOW_S: Final = 30.0
SETTLES_S: Final = 20.0
"""Longer than a clip and a group of pictures, so that every camera is in its course."""

CONNECTS_S: Final = 60.0
TOO_LATE_S: Final = 1.0
"""Frames that the cameras send later than this tell that the machine is full, not what a recorder costs."""

_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - the object store's disk, which is not what is measured
_OBJECTS_BYTES: Final = 16 << 30


class DoesNotFitError(Exception):
    """The machine could not carry so many cameras; the text says what stood in the way."""


@dataclass
class Side:
    """What one recorder cost a camera, a run each: share of a core and bytes of memory."""

    cores: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)

    def take(self, window: "Window", cameras: int) -> None:
        """Add one window's costs."""
        self.cores.append((window.after.cpu_s - window.before.cpu_s) / window.lasted_s / cameras)
        self.memory.append(window.after.proportional_bytes / cameras)
        self.idle.append(machine_idle_share(window.machine_before, window.machine_after))

    def told(self, cameras: int) -> str:
        """Say it in words."""
        return (
            f"{statistics.median(self.cores) * 1000:.2f} ms of CPU a second and "
            f"{statistics.median(self.memory) / 1e6:.2f} MB a camera, {cameras} cameras, "
            f"{statistics.median(self.idle):.0%} of the machine idle"
        )


@dataclass(frozen=True, slots=True)
class Window:
    """Costs at the beginning and the end of a stretch of time."""

    lasted_s: float
    before: Costs
    after: Costs
    machine_before: Machine
    machine_after: Machine


def watch(*pids: int) -> Window:
    """Return what processes cost over one window."""
    began_s, before, machine = time.monotonic(), Costs.of(*pids), Machine.now()
    time.sleep(WINDOW_S)
    return Window(time.monotonic() - began_s, before, Costs.of(*pids), machine, Machine.now())


class Announced:
    """Follows the log of clips: how long each took from its last frame's coming to its event, and the gaps."""

    def __init__(self, world: IngestWorld) -> None:
        self._log = EventLog(world.broker.kafka)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self.latencies_s: list[float] = []
        self.gaps: list[Clip] = []

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow until the block ends."""
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()

    def forget(self) -> None:
        """Begin anew: what came so far was the beginning of everything."""
        self.latencies_s.clear()
        self.gaps.clear()

    def _follow(self) -> None:
        frame_s = 1 / FULL_HD.fps
        for event in self._log.follow([CLIPS], self._stop, from_start=True):
            if event is None or not isinstance(event.message, Clip):
                continue
            if event.message.HasField("gap"):
                self.gaps.append(event.message)
                continue
            # The clip ends where its last frame does, one frame after that frame was sent and came.
            came = event.message.ends_at.ToDatetime(tzinfo=UTC)
            self.latencies_s.append((datetime.now(UTC) - came).total_seconds() + frame_s)


def wait_watched(cameras: LoadCameras, count: int) -> None:
    """Return when so many viewers are connected; raise DoesNotFitError when they do not come."""
    deadline = time.monotonic() + CONNECTS_S
    while cameras.order("stats")["viewers"] < count:
        if time.monotonic() > deadline:
            raise DoesNotFitError(f"only {cameras.order('stats')['viewers']} of {count} were connected in time")
        time.sleep(0.5)


def judge(cameras: LoadCameras, count: int) -> None:
    """Raise DoesNotFitError when a viewer was lost or the machine was too full to send in time."""
    stats = cameras.order("stats")
    if stats["viewers"] < count:
        raise DoesNotFitError(f"{count - stats['viewers']} of {count} cameras were lost")
    if stats["late_s"] > TOO_LATE_S:
        raise DoesNotFitError(f"at {count} cameras they themselves sent {stats['late_s']:g} s late")


def measure_ours(world: IngestWorld, cameras: LoadCameras, count: int) -> tuple[Side, list[float], str]:
    """Return what ingest costs, how long its clips took, and what the others cost meanwhile."""
    side, announced = Side(), Announced(world)
    with world.replica(f"ours-{count}", SPOOL_MAX_BYTES="20000000000") as ingest, announced.following():
        world.announce(*(camera(f"cam-{index}", cameras.url(index), clip_s=CLIP_S) for index in range(count)))
        wait_watched(cameras, count)
        time.sleep(SETTLES_S)
        cameras.order("stats")
        announced.forget()
        others = {"cameras": cameras.pid, "SeaweedFS": world.store.process.pid, "Tansu": world.broker.process.pid}
        before = {name: cpu_seconds(pid) for name, pid in others.items() if pid is not None}
        began_s = time.monotonic()
        for _ in range(REPEATS):
            side.take(watch(ingest.pid), count)
            judge(cameras, count)
        lasted_s = time.monotonic() - began_s
        shares = ", ".join(
            f"{name} {(cpu_seconds(others[name] or 0) - began) / lasted_s:.2f}" for name, began in before.items()
        )
        if announced.gaps:
            raise DoesNotFitError(f"at {count} cameras {len(announced.gaps)} gaps were told")
        if len(announced.latencies_s) < 0.6 * count * lasted_s / (CLIP_S + FULL_HD.gop / FULL_HD.fps):
            raise DoesNotFitError(f"at {count} cameras only {len(announced.latencies_s)} clips were announced")
        # No more is wanted of these: their next recorder is the peer.
        world.announce(*(camera(f"cam-{index}", cameras.url(index), enabled=False) for index in range(count)))
        ingest.stop()
    return side, announced.latencies_s, shares


def measure_ffmpeg(folder: Path, cameras: LoadCameras, count: int) -> Side:
    """Return what one ffmpeg a camera costs."""
    program, side = ffmpeg(), Side()
    with ExitStack() as running:
        fleet = []
        for index in range(count):
            own = folder / f"ffmpeg-{index}"
            own.mkdir()
            command = [program, "-nostdin", "-loglevel", "error", "-rtsp_transport", "tcp", "-i", cameras.url(index)]
            command += ["-c", "copy", "-f", "segment", "-segment_time", f"{CLIP_S:g}", "-reset_timestamps", "1"]
            # The same names in turn: the disk need not hold the whole run.
            process = subprocess.Popen([*command, "-segment_wrap", "3", str(own / "%d.mp4")], stderr=subprocess.DEVNULL)
            running.callback(process.wait)
            running.callback(process.kill)
            fleet.append(process)
        wait_watched(cameras, count)
        time.sleep(SETTLES_S)
        cameras.order("stats")
        for _ in range(REPEATS):
            side.take(watch(*(process.pid for process in fleet)), count)
            judge(cameras, count)
    return side


def ffmpeg() -> str:
    """Return the program; end with a word where it is missing."""
    program = shutil.which("ffmpeg")
    if program is None:
        sys.exit("ffmpeg is what ingest is measured against: on Debian, apt-get install ffmpeg")
    return program


def ffmpeg_version() -> str:
    """Return the program's name and version."""
    said = subprocess.run([ffmpeg(), "-version"], check=True, capture_output=True, text=True).stdout
    return " ".join(said.split()[:3:2])


@contextmanager
def world_and_cameras() -> Iterator[tuple[IngestWorld, LoadCameras, Path]]:
    """Yield everything that both sides need."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        objects = None
        if _SHARED_MEMORY.is_dir() and shutil.disk_usage(_SHARED_MEMORY).free > _OBJECTS_BYTES:
            objects = Path(opened.enter_context(tempfile.TemporaryDirectory(dir=_SHARED_MEMORY)))
        world = opened.enter_context(running_world(folder, objects=objects))
        yield world, opened.enter_context(LoadCameras(cached_film(FULL_HD), folder, groups=25)), folder


def both(count: int) -> tuple[Side, Side, list[float], str]:
    """Measure ours and the peer with `count` cameras; raise DoesNotFitError when one of them cannot."""
    with world_and_cameras() as (world, cameras, folder):
        ours, latencies, shares = measure_ours(world, cameras, count)
        print(f"ours: {ours.told(count)}; cores of the others: {shares}")
        theirs = measure_ffmpeg(folder, cameras, count)
        print(f"ffmpeg: {theirs.told(count)}")
        return ours, theirs, latencies, shares


def percentile(values: list[float], share: float) -> float:
    """Return the least value that `share` of the values do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def figures(count: int, limit: str) -> list[Figure]:
    """Return what was measured with `count` cameras; `limit` says why they are not more."""
    ours, theirs, latencies, shares = both(count)
    source = f"{count} cameras of 1080p, 25 frames/s, 4 Mbit/s over RTSP/TCP on loopback{limit}"
    version = ffmpeg_version()
    load = f"cores of the others: {shares}, {statistics.median(ours.idle):.0%} of the machine idle"
    found = [
        figure(
            "ingest.cpu_vs_ffmpeg",
            [mine / his for mine, his in zip(ours.cores, theirs.cores, strict=True)],
            unit="times its CPU",
            at_most=1 / 3,
            against=f"{version}, one -c copy -f segment a camera ({theirs.told(count)}; ours: {ours.told(count)})",
            source=f"{source}; {load}",
        ),
        figure(
            "ingest.memory_vs_ffmpeg",
            [mine / his for mine, his in zip(ours.memory, theirs.memory, strict=True)],
            unit="times its memory",
            at_most=1 / 10,
            against=f"{version}, one a camera (PSS {statistics.median(theirs.memory) / 1e6:.1f} MB; "
            f"ours {statistics.median(ours.memory) / 1e6:.1f} MB)",
            source=source,
        ),
    ]
    for name, share, most_s in (("p50", 0.5, 1.0), ("p95", 0.95, 2.0), ("p99", 0.99, 5.0)):
        thirds = [latencies[index::REPEATS] for index in range(REPEATS)]
        found.append(
            figure(
                f"ingest.clip_latency_{name}_s",
                [percentile(each, share) for each in thirds],
                unit="s",
                at_most=most_s,
                against="the limit: the next key frame tells that the clip is over, 0.04 s",
                source=f"{source}; {len(latencies)} clips into Kafka; {load}",
            )
        )
    return found


def main() -> None:
    """Measure and publish, with as many cameras as fit."""
    ffmpeg()
    count, limit = int(os.environ.get("INGEST_CAMERAS", "100")), ""
    while True:
        try:
            publish(*figures(count, limit))
        except DoesNotFitError as error:
            print(f"{count} cameras do not fit: {error}")
            limit = limit or f" (the limit of this machine: {error})"
            count = count * 3 // 4
            if count == 0:
                raise
        else:
            return


if __name__ == "__main__":
    main()
