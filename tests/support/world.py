"""People who walk past the cameras of a running Homeward, and some who do not."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from homeward.cli.demo.truth import Score, judge
from homeward.cli.demo.verdicts import seen_of
from homeward.cli.operator import Searched
from homeward.cli.scene.compose import ComposedScene
from support.pipeline import Found, Pipeline, running
from support.scenes import compose_people, person_ids, reference_photo


@dataclass(frozen=True, slots=True)
class World:
    """The recorded scene, who walked in it, and who did not."""

    pipeline: Pipeline
    scene: ComposedScene
    starts_at: datetime
    ends_at: datetime
    people: tuple[str, ...]
    strangers: tuple[str, ...]
    searched: Searched

    def search(self, person_id: str) -> Found:
        """Search for one person by their neutral photo on all cameras, and close the search again."""
        found = self.pipeline.search(
            [reference_photo(person_id).read_bytes()], sorted(self.scene.videos), self.starts_at, self.ends_at
        )
        self.pipeline.close(found.authorisation_id)
        return found

    def judge(self, found: Found, person_id: str) -> Score:
        """Return how a search did against what is known to be there."""
        seen = [seen_of(sighting) for sighting in found.sightings]
        return judge(self.scene.truth, seen, person_id, dict.fromkeys(self.scene.videos, self.starts_at))


@contextmanager
def recorded_world(folder: Path, *, people: int, cameras: int) -> Iterator[World]:
    """Yield the world once `people` have walked past each camera, at 48 to 120 px, and all clips were searched."""
    everybody = person_ids()
    walkers, strangers = everybody[:people], everybody[people : people + 10]
    scene = compose_people(walkers, folder / "scene", cameras=cameras, face_width_px=(48.0, 120.0), seed=3)
    starts_at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=30)
    ends = {camera.camera_id: starts_at + timedelta(seconds=camera.lasts_s) for camera in scene.truth.cameras}
    with running(folder / "homeward") as pipeline:
        pipeline.record(scene.videos, starts_at)
        searched = pipeline.wait_detected(ends)
        yield World(
            pipeline,
            scene,
            starts_at,
            max(ends.values()) + timedelta(seconds=10),
            tuple(walkers),
            tuple(strangers),
            searched,
        )
