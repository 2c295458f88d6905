"""People who walk past the cameras of a running Homeward, and some who do not."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from homeward.cli.demo.truth import Score, judge
from homeward.cli.demo.verdicts import seen_of
from homeward.cli.operator import Searched
from homeward.cli.scene.compose import ComposedScene
from homeward.shared.topics import FACES
from homewardapi.face.v1.face_pb2 import ClipFaces
from support.pipeline import Found, Pipeline, running
from support.scenes import compose_people, person_ids, reference_photo
from support.tally import Tally, cause_of


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

    def tally(self) -> Tally:
        """Search for each of the people in turn, and return what it came to."""
        clips = [event.message for event in self.pipeline.operator.log.snapshot(FACES)]
        searched = [message for message in clips if isinstance(message, ClipFaces)]
        tally = Tally()
        for person_id in self.people:
            score = self.judge(self.search(person_id), person_id)
            missed = {one.camera_id for one in score.missed}
            # Each walks past each camera once.
            lost = (one for one in self.scene.truth.of(person_id) if one.camera_id in missed)
            causes = [cause_of(appearance, self.starts_at, searched) for appearance in lost]
            tally.add(person_id, score, causes)
        return tally


@contextmanager
def recorded_world(
    folder: Path,
    *,
    people: int,
    cameras: int,
    face_width_px: tuple[float, float] = (48.0, 120.0),
    overrides: Mapping[str, Mapping[str, str]] | None = None,
) -> Iterator[World]:
    """Yield the world once `people` have walked past each camera, their faces so wide, and all clips were searched.

    `overrides` are settings by service.
    """
    everybody = person_ids()
    walkers, strangers = everybody[:people], everybody[people : people + 10]
    scene = compose_people(walkers, folder / "scene", cameras=cameras, face_width_px=face_width_px, seed=3)
    starts_at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=30)
    ends = {camera.camera_id: starts_at + timedelta(seconds=camera.lasts_s) for camera in scene.truth.cameras}
    with running(folder / "homeward", overrides=overrides) as pipeline:
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
