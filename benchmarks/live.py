"""How soon a live search shows the person: from a frame of a camera to the sighting's event, at twenty cameras.

`make bench-live`. All services run as in production on one machine, and so do the cameras: 1080p, 25 frames and up to
4 Mbit a second over RTSP. The person walks past one of them at known times, so that a sighting of anybody else is not
counted; past each of the others two strangers walk in a minute. LIVE_MINUTES says for how long it is looked.
"""

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from ingest import percentile

from homeward.cli.camera import camera_changed
from homeward.cli.demo.truth import Verdict, judge
from homeward.cli.demo.verdicts import seen_of
from homeward.cli.scene.camera import Backdrop, SceneCamera
from homeward.cli.scene.compose import ComposedScene, compose
from homeward.cli.scene.schedule import Person, Traffic, plan_walks
from homeward.shared.instants import from_timestamp
from homeward.shared.topics import SIGHTINGS
from homewardapi.sighting.v1.sighting_pb2 import SEARCH_MODE_LIVE, Sighting
from measure import REPEATS, Figure, figure, publish
from support.costs import Machine, cpu_seconds, machine_idle_share
from support.load_cameras import LoadCameras
from support.pipeline import PATIENCE, Pipeline, running
from support.scenes import person_ids, portrait, reference_photo

CAMERAS: Final = 20
CLIP: Final = timedelta(seconds=10)
MOST: Final = CLIP + timedelta(seconds=3)

GATE: Final = "gate"
GATE_S: Final = 17.0
"""How often the person comes by: no multiple of a clip, so that they come at every moment of one."""

STREET_S: Final = 60.0
SETTLES_S: Final = 30.0
"""Three clips: every camera is in its course, and what starting took is worked off."""

_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - the object store's disk, which is not what is measured
_OBJECTS_BYTES: Final = 12 << 30
_MBIT: Final = 1e6 / 8


class Watch:
    """Follows the sightings as a console would, and notes when the event of each came first."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.came: dict[str, tuple[datetime, Sighting]] = {}
        self._log = pipeline.operator.log
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()

    def stop(self) -> None:
        """Follow no further."""
        self._stop.set()
        self._thread.join()

    def _follow(self) -> None:
        for event in self._log.follow([SIGHTINGS], self._stop, from_start=True):
            if event is not None and isinstance(event.message, Sighting):
                self.came.setdefault(event.message.sighting_id, (datetime.now(UTC), event.message))


@dataclass(frozen=True, slots=True)
class Gate:
    """The camera that the person passes: what it shows over and over, and when it began."""

    scene: ComposedScene
    person_id: str
    began: datetime

    def shows(self, sighting: Sighting) -> bool:
        """Return whether a sighting shows the person, where they were at that moment."""
        if sighting.camera_id != GATE:
            return False
        rounds = (from_timestamp(sighting.crop.at) - self.began) // timedelta(seconds=GATE_S)
        starts_at = self.began + rounds * timedelta(seconds=GATE_S)
        score = judge(self.scene.truth, [seen_of(sighting)], self.person_id, {GATE: starts_at})
        return score.judged[0].verdict is Verdict.SUBJECT


@dataclass(frozen=True, slots=True)
class Outcome:
    """Seconds from the first frame of each sighting of the person to its event, and what else there was."""

    latencies_s: list[float]
    others: int
    walks: int
    load: str


def film(folder: Path, camera_id: str, people: list[str], lasts_s: float) -> ComposedScene:
    """Compose what a camera sees: each of `people` once in `lasts_s`."""
    walkers = [Person(one, (portrait(f"{one}-smiling"),)) for one in people]
    traffic = Traffic(face_width_px=(48.0, 120.0))
    plan = plan_walks(walkers, width_px=1920, height_px=1080, seed=3, traffic=traffic, lasts_s=lasts_s)
    camera = SceneCamera(
        camera_id,
        lasts_s,
        plan.walkers,
        width_px=1920,
        height_px=1080,
        frames_per_s=25,
        backdrop=Backdrop.STREET,
        kbit_per_s=4000,
    )
    return compose([camera], folder)


def record(pipeline: Pipeline, urls: Mapping[str, str]) -> None:
    """Have the cameras at `urls` recorded from now on."""
    now = datetime.now(UTC)
    pipeline.operator.publish(*(camera_changed(one, url, now, clip_length=CLIP) for one, url in urls.items()))


def measure(folder: Path, watched: timedelta) -> Outcome:
    """Return what a live search over all cameras comes to."""
    person_id, *strangers = person_ids()[:3]
    scene = film(folder / "gate", GATE, [person_id], GATE_S)
    street = film(folder / "street", "street", strangers, STREET_S).videos["street"]
    with ExitStack() as opened:
        pipeline = opened.enter_context(running(folder / "homeward"))
        crowd = opened.enter_context(LoadCameras(street, folder / "street", groups=CAMERAS - 1))
        gate = opened.enter_context(LoadCameras(scene.videos[GATE], folder / "gate", groups=1))
        # The film begins as soon as the server has said where it listens.
        seen = Gate(scene, person_id, datetime.now(UTC))
        urls = {GATE: gate.url(0), **{f"street-{index}": crowd.url(index) for index in range(CAMERAS - 1)}}
        record(pipeline, urls)
        time.sleep(SETTLES_S)
        now = datetime.now(UTC)
        photo = reference_photo(person_id).read_bytes()
        issued = pipeline.authorise([photo], sorted(urls), now, now + timedelta(hours=1))
        pipeline.operator.wait_searched(issued.authorisation_id, PATIENCE)
        time.sleep(CLIP.total_seconds())
        watch = Watch(pipeline)
        opened.callback(watch.stop)
        began = datetime.now(UTC)
        load = spend(watched, pipeline, {"cameras": [gate.pid, crowd.pid]})
        late = gate.order("stats")["late_s"], crowd.order("stats")["late_s"]
        # Those who came by last are seen a clip later.
        time.sleep(2 * MOST.total_seconds())
        ends = began + watched
        live = [
            (came, one)
            for came, one in watch.came.values()
            if one.mode == SEARCH_MODE_LIVE and began <= from_timestamp(one.first_seen_at) < ends
        ]
        own = [(came, one) for came, one in live if seen.shows(one)]
        return Outcome(
            [(came - from_timestamp(one.first_seen_at)).total_seconds() for came, one in own],
            len(live) - len(own),
            round(watched.total_seconds() / GATE_S),
            f"{load}; frames left the cameras {max(late):.2f} s late at worst",
        )


def spend(watched: timedelta, pipeline: Pipeline, others: Mapping[str, list[int]]) -> str:
    """Let time pass, and say which share of a core each process took of it."""
    children = pipeline.stack.children()
    pids = {**{name: [child.pid] for name, child in children.items() if child.pid is not None}, **others}
    machine, before = Machine.now(), {name: sum(map(cpu_seconds, each)) for name, each in pids.items()}
    time.sleep(watched.total_seconds())
    idle = machine_idle_share(machine, Machine.now())
    shares = {
        name: (sum(map(cpu_seconds, each)) - before[name]) / watched.total_seconds() for name, each in pids.items()
    }
    return "cores: " + ", ".join(f"{name} {share:.2f}" for name, share in shares.items()) + f"; {idle:.0%} idle"


def figures(outcome: Outcome, megabits: float) -> list[Figure]:
    """Return how long the middle one and the slowest of twenty sightings took."""
    source = (
        f"{CAMERAS} cameras of 1080p, 25 frames/s, {megabits:.1f} Mbit/s over RTSP, clips of {CLIP.total_seconds():g} "
        f"s, two strangers a minute past each; {len(outcome.latencies_s)} sightings in {outcome.walks} walks of the "
        f"person, {outcome.others} of others; from the first frame of the clip that shows the face; {outcome.load}"
    )
    thirds = [outcome.latencies_s[index::REPEATS] for index in range(REPEATS)]
    return [
        figure(
            f"live.frame_to_sighting_{name}_s",
            [percentile(each, share) for each in thirds],
            unit="s",
            at_most=MOST.total_seconds(),
            against="the limit: the clip's end, a clip after its first frame",
            source=source,
        )
        for name, share in (("p50", 0.5), ("p95", 0.95))
    ]


def main() -> None:
    """Measure and publish."""
    watched = timedelta(minutes=float(os.environ.get("LIVE_MINUTES", "5")))
    roomy = _SHARED_MEMORY.is_dir() and shutil.disk_usage(_SHARED_MEMORY).free > _OBJECTS_BYTES
    with tempfile.TemporaryDirectory(dir=_SHARED_MEMORY if roomy else None) as folder:
        outcome = measure(Path(folder), watched)
        street = Path(folder) / "street" / "street.mp4"
        print(f"{sorted(round(one, 1) for one in outcome.latencies_s)}; {outcome}")
        publish(*figures(outcome, street.stat().st_size / STREET_S / _MBIT))


if __name__ == "__main__":
    main()
