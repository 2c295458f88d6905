"""How many clips a second 1,000 cameras may hand over: spool, object store and Kafka, without the cameras themselves.

`make bench-ingest` runs it behind the cameras' own benchmark. Clips are spooled by the recorders' own calls and sent by
the shipped sender, as fast as both go; what was busiest meanwhile is named. Small clips show how many objects and
events a second there may be, clips of 10 s at 4 Mbit a second how many bytes.
"""

import os
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from homeward.ingest.adapters.disk_spool import DiskSpool
from homeward.ingest.media.stretches import Footage, Stretch
from homeward.ingest.metrics import IngestMetrics
from homeward.ingest.ports import CameraState
from homeward.ingest.sender import Sender
from homeward.ingest.settings import IngestSettings
from homeward.shared.clock import SystemClock
from homeward.shared.runtime.backoff import Backoff
from homeward.shared.runtime.producer import EventProducer
from measure import REPEATS, figure, publish
from support.costs import Machine, cpu_seconds, machine_idle_share
from support.ingest_world import IngestWorld, running_world

CAMERAS: Final = 1000
CLIP: Final = timedelta(seconds=10)
LASTS_S: Final = 15.0
SPOOLERS: Final = 4
SMALL_BYTES: Final = 100_000
FULL_BYTES: Final = 5_000_000
ASKED: Final = CAMERAS / CLIP.total_seconds()
_MOST_WAITING: Final = 500
"""Clips that may wait: the spool's disk is not to be filled by what is measured."""
_BUSY_DISK: Final = 0.2
_BUSY_CORE: Final = 0.9
_NO_IDLE: Final = 0.1


@dataclass(frozen=True, slots=True)
class Rate:
    """Clips announced a second, and what stood in the way of more."""

    clips_per_s: float
    saturated: str


class Flow:
    """1,000 cameras' clips of `size_bytes`, spooled on some threads and sent by the shipped sender."""

    def __init__(self, world: IngestWorld, folder: Path, size_bytes: int) -> None:
        self._world = world
        self._content = os.urandom(size_bytes)
        self._clock = SystemClock()
        self._spool = DiskSpool(folder, 1 << 40)
        self._stop = threading.Event()
        self._begins = datetime.now(UTC) - timedelta(hours=2)
        self._lock = threading.Lock()
        self._spooled = 0
        self.announced = 0

    def measure(self) -> Rate:
        """Let it flow for a while and return how much came through."""
        producer = EventProducer(self._world.broker.kafka, client_id="homeward-ingest")
        sender = Sender(
            self._spool,
            self._world.objects,
            producer,
            backoff=Backoff(),
            clock=self._clock,
            metrics=IngestMetrics(CollectorRegistry()),
            workers=IngestSettings.model_fields["sender_threads"].default,
            announced=self._count,
        )
        threads = [threading.Thread(target=self._record, args=(index,)) for index in range(SPOOLERS)]
        threads.append(threading.Thread(target=sender.run, args=(self._stop,)))
        for thread in threads:
            thread.start()
        # The first connections are made, and the first clips are under way.
        time.sleep(2)
        rate = self._watch()
        self._stop.set()
        for thread in threads:
            thread.join()
        producer.close()
        return rate

    def _watch(self) -> Rate:
        pids = {
            "ingest": os.getpid(),
            "SeaweedFS": self._world.store.process.pid or 0,
            "Tansu": self._world.broker.process.pid or 0,
        }
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        machine, announced, began_s = Machine.now(), self.announced, time.monotonic()
        time.sleep(LASTS_S)
        lasted_s, machine_after = time.monotonic() - began_s, Machine.now()
        rate = (self.announced - announced) / lasted_s
        cores = {name: (cpu_seconds(pid) - before[name]) / lasted_s for name, pid in pids.items()}
        said = ", ".join(f"{name} {share:.2f} cores" for name, share in cores.items())
        disk = (machine_after.disk_s - machine.disk_s) / (machine_after.all_s - machine.all_s)
        idle = machine_idle_share(machine, machine_after)
        if disk > _BUSY_DISK and disk > idle:
            first = "the disk"
        elif cores["ingest"] > _BUSY_CORE:
            first = "the one core of ingest's interpreter"
        elif idle < _NO_IDLE:
            first = f"the machine's cores, most of all by {max(cores, key=lambda name: cores[name])}"
        else:
            first = "the answers of the store and the broker, for which the sender's threads wait"
        return Rate(rate, f"{first} ({said}, {disk:.0%} waiting for the disk, {idle:.0%} idle)")

    def _record(self, first: int) -> None:
        """Spool the clips of every fourth camera in turn."""
        number = 0
        while not self._stop.is_set():
            for camera in range(first, CAMERAS, SPOOLERS):
                self._one(f"cam-{camera}", self._begins + number * CLIP)
                while self._waiting() > _MOST_WAITING and not self._stop.is_set():
                    time.sleep(0.01)
                if self._stop.is_set():
                    return
            number += 1

    def _one(self, camera_id: str, at: datetime) -> None:
        draft = self._spool.draft(camera_id)
        draft.write_bytes(self._content)
        sealed = self._spool.seal(draft)
        facts = Footage(sealed.size_bytes, sealed.sha256, "h264", 1920, 1080, 250, 5, timedelta(seconds=2))
        stretch = Stretch(camera_id, at, at + CLIP, facts)
        with self._lock:
            self._spooled += 1
        self._spool.add(stretch, draft, CameraState(through=stretch.ends_at), replayable=False)

    def _waiting(self) -> int:
        return self._spooled - self.announced

    def _count(self, _: Stretch) -> None:
        with self._lock:
            self.announced += 1


def rates(world: IngestWorld, folder: Path, size_bytes: int) -> list[Rate]:
    """Measure several times, each on a spool of its own."""
    return [Flow(world, folder / f"spool-{size_bytes}-{index}", size_bytes).measure() for index in range(REPEATS)]


def main() -> None:
    """Measure and publish."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        world = opened.enter_context(running_world(folder))
        small, full = rates(world, folder, SMALL_BYTES), rates(world, folder, FULL_BYTES)
    publish(
        figure(
            "ingest.events_per_s_1000_cameras",
            [rate.clips_per_s for rate in small],
            unit="clips/s",
            at_least=ASKED,
            against=f"1,000 cameras' clips of 10 s; first to saturate: {small[-1].saturated}",
            source=f"{SMALL_BYTES // 1000} kB a clip, spooled on disk, stored in SeaweedFS, announced in Tansu",
        ),
        figure(
            "ingest.megabytes_per_s_1000_cameras",
            [rate.clips_per_s * FULL_BYTES / 1e6 for rate in full],
            unit="MB/s",
            at_least=ASKED * FULL_BYTES / 1e6,
            against=f"1,000 cameras of 4 Mbit/s; first to saturate: {full[-1].saturated}",
            source=f"{FULL_BYTES // 1_000_000} MB a clip, spooled on disk, stored in SeaweedFS, announced in Tansu",
        ),
    )


if __name__ == "__main__":
    main()
