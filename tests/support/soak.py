"""Cameras recorded for minutes while everything around them fails, and the account of every second afterwards."""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from homeward.shared.coverage import Stretch
from support.film import SMALL, cached_film
from support.ingest_process import IngestProcess
from support.ingest_world import camera, running_world
from support.load_cameras import LoadCameras
from support.soak_faults import Faults
from support.soak_verdict import Verdict, judge

_BEGINS_S: Final = 15.0
_CALM_S: Final = 30.0
"""How long everything is well at the end: longer than a session, a reconnection and a clip."""
_SENDS_S: Final = 120.0
_CLIP_S: Final = 4.0
_SETTINGS: Final = {"SOURCE_READ_TIMEOUT_S": "3", "SOURCE_OPEN_TIMEOUT_S": "3", "RECONNECT_LONGEST_S": "4"}


@dataclass(frozen=True, slots=True)
class SoakPlan:
    """How many cameras are recorded, for how long, and what draws the faults."""

    cameras: int
    lasts: timedelta
    seed: int


def soak(folder: Path, plan: SoakPlan, report: Callable[[str], None]) -> list[Verdict]:
    """Record and judge; each camera's verdict. `report` is told what happens."""
    with (
        running_world(folder) as world,
        LoadCameras(cached_film(SMALL), folder, groups=plan.cameras) as cameras,
        world.replica("first", **_SETTINGS) as first,
        world.replica("second", **_SETTINGS) as second,
    ):
        names = [f"cam-{index}" for index in range(plan.cameras)]
        world.announce(*(camera(name, cameras.url(index), clip_s=_CLIP_S) for index, name in enumerate(names)))
        time.sleep(_BEGINS_S)
        began, ends_s = datetime.now(UTC), time.monotonic() + plan.lasts.total_seconds() - _CALM_S
        faults = Faults(world, cameras, first, second, plan.cameras, random.Random(plan.seed))  # noqa: S311 - repeatable
        faults.run(ends_s, lambda what: report(f"{datetime.now(UTC):%H:%M:%S} {what}"))
        time.sleep(_CALM_S)
        ended = datetime.now(UTC)
        window = Stretch(began, ended)
        deadline, frame = time.monotonic() + _SENDS_S, timedelta(seconds=1 / SMALL.fps)
        world.wait_told(names, window, _SENDS_S, but=frame)
        while any(_waits(replica, ended) for replica in (first, second)) and time.monotonic() < deadline:
            time.sleep(2)
        for replica in (first, second):
            replica.stop()
        cameras.stop()
        sent, log = cameras.sent(), world.clips()
        return [
            judge(
                name,
                log.get(name, []),
                window,
                frame=frame,
                sent=sent.get(index, []),
                faults=[fault for fault in faults.happened if fault.camera in (None, index)],
                objects=world.objects,
            )
            for index, name in enumerate(names)
        ]


def _waits(replica: IngestProcess, until: datetime) -> bool:
    """Whether a clip that was finished before `until` is still in the spool."""
    for path in (replica.spool / "stretches").rglob("*.mp4"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < until.timestamp():
                return True
    return False
