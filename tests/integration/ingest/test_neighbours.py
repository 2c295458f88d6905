"""One bad camera among a hundred: the other 99 lose nothing."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from homeward.shared.coverage import Stretch, total, window_coverage
from support.bad_camera import FAULTS, BadCamera
from support.costs import Costs
from support.film import SMALL, cached_film
from support.ingest_world import IngestWorld, camera, once, running_world
from support.load_cameras import LoadCameras

GOOD: Final = 99
BEGINS_S: Final = 60
SENDS_S: Final = 60
WATCHED: Final = timedelta(seconds=60)
MOST_BYTES: Final = 1_000_000_000
"""The whole process, 100 cameras and the flood of one: it may hold no more than this."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[IngestWorld]:
    with running_world(tmp_path) as world:
        yield world


@pytest.mark.slow
def test_one_bad_camera_in_a_hundred_costs_the_others_nothing(world: IngestWorld, tmp_path: Path) -> None:
    settings = {"RECONNECT_LONGEST_S": "1", "SOURCE_READ_TIMEOUT_S": "3", "SOURCE_OPEN_TIMEOUT_S": "3"}
    with (
        LoadCameras(cached_film(SMALL), tmp_path) as cameras,
        BadCamera() as bad,
        world.replica("ingest", **settings) as ingest,
    ):
        world.announce(*(camera(f"cam-{index}", cameras.url(index), clip_s=10) for index in range(GOOD)))
        deadline = time.monotonic() + BEGINS_S
        while cameras.order("stats")["viewers"] < GOOD:
            assert time.monotonic() < deadline, ingest.log_tail()
            time.sleep(0.5)
        # A group of pictures, and the clock of each camera.
        time.sleep(5)
        world.announce(camera("bad", bad.url))
        began = datetime.now(UTC)
        while set(bad.faults) < set(FAULTS) or datetime.now(UTC) < began + WATCHED:
            assert datetime.now(UTC) < began + 3 * WATCHED, f"it did only {bad.faults}"
            assert ingest.running
            assert Costs.of(ingest.pid).resident_bytes < MOST_BYTES
            time.sleep(1)
        ended = datetime.now(UTC)
        window = Stretch(began, ended)
        assert world.wait_told([f"cam-{index}" for index in range(GOOD)], window, SENDS_S), ingest.log_tail()
        assert ingest.stop() == 0
    log = world.clips()
    for index in range(GOOD):
        covered = window_coverage(once(log[f"cam-{index}"]), began, ended)
        assert covered.gaps == (), f"cam-{index}"
        assert covered.untold == (), f"cam-{index}"
        assert total(covered.footage) == ended - began
    # The bad one's time is told as well: what it sent is no footage of theirs.
    assert window_coverage(once(log["bad"]), began + timedelta(seconds=10), ended - timedelta(seconds=10)).untold == ()
