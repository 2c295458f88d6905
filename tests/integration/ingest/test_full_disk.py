"""A disk that is full: cameras stay connected, their time is told, what is spooled is sent, and nobody crashes."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from homeward.shared.coverage import Stretch, window_coverage
from support.film import SMALL, cached_film
from support.ingest_process import IngestProcess
from support.ingest_world import IngestWorld, camera, once, running_world
from support.load_cameras import LoadCameras
from support.small_disk import SmallDisk, small_disk
from support.told import gaps, told

DISK_BYTES: Final = 8 << 20
"""Below the least bound of a spool: it is the disk that ends first."""

FULL_S: Final = 8.0
PATIENCE_S: Final = 60.0


@pytest.fixture
def world(tmp_path: Path) -> Iterator[IngestWorld]:
    with running_world(tmp_path) as running:
        yield running


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "small", DISK_BYTES) as mounted:
        yield mounted


def until(condition: Callable[[], bool], replica: IngestProcess) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert replica.running, replica.log_tail()
        assert time.monotonic() < deadline, replica.log_tail()
        time.sleep(0.3)


def test_a_full_disk_costs_footage_and_nothing_else(world: IngestWorld, disk: SmallDisk, tmp_path: Path) -> None:
    def footage(name: str) -> int:
        return sum(clip.HasField("stored") for clip in once(world.clips().get(name, [])))

    with (
        LoadCameras(cached_film(SMALL), tmp_path) as cameras,
        world.replica("ingest", SPOOL_FOLDER=str(disk.folder / "spool")) as replica,
    ):
        world.announce(*(camera(name, cameras.url(index)) for index, name in enumerate(("kept", "rests"))))
        until(lambda: footage("kept") > 1 and footage("rests") > 1, replica)
        # What is spooled when the disk is full is sent all the same, and makes room for what is to be told.
        disk.fill()
        full_from = datetime.now(UTC)
        world.announce(camera("rests", cameras.url(1), enabled=False), camera("new", cameras.url(2)))
        time.sleep(FULL_S)
        assert replica.running, replica.log_tail()
        disk.empty()
        full_until = datetime.now(UTC)
        before = footage("kept")
        until(lambda: footage("kept") > before + 1 and footage("new") > 1, replica)
        world.announce(camera("rests", cameras.url(1)))
        rested = footage("rests")
        until(lambda: footage("rests") > rested + 1, replica)
        assert replica.stop() == 0
    for name in ("kept", "rests", "new"):
        told(once(world.clips()[name]))
    kept = told(once(world.clips()["kept"]))
    # Connected all the while: no gap but that of the disk, and that no longer than the disk was full, and two clips.
    assert {gap.what for gap in gaps(kept)} == {"SPOOL_OVERFLOW"}
    two_clips = timedelta(seconds=6)
    for gap in gaps(kept):
        assert full_from - two_clips < gap.starts_at < gap.ends_at < full_until + two_clips
    window = Stretch(kept[0].starts_at, kept[-1].ends_at)
    assert window_coverage(once(world.clips()["kept"]), window.starts_at, window.ends_at).untold == ()
    assert "DISABLED" in {gap.what for gap in gaps(told(once(world.clips()["rests"])))}
