"""kill -9 of a service at any moment, and the same sightings come out, once each by id."""

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from homeward.cli.operator import CAMERA_SLACK
from homeward.cli.scene.compose import ComposedScene
from homeward.cli.stack.services import SERVICES
from homeward.cli.stack.stack import Stack
from homeward.shared.topics import FACES
from homewardapi.face.v1.face_pb2 import ClipFaces
from support.pipeline import running
from support.scenes import compose_people, person_ids, reference_photo

# A killed member of a consumer group is missed for a session before another takes its place, once a kill.
pytestmark = pytest.mark.timeout(600)

Sighted = tuple[str, str, int]
"""Camera, clip and face: what a sighting is of, whatever authorisation it was made under."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run came to, and how long it took."""

    faces: frozenset[tuple[str, bytes]]
    sighted: frozenset[Sighted]
    took_s: float


@dataclass(frozen=True, slots=True)
class Case:
    """What is recorded and who is looked for, the same in every run."""

    scene: ComposedScene
    starts_at: datetime
    person_id: str

    def run(self, folder: Path, killed: Sequence[str] = (), within_s: float = 0.0, seed: int = 0) -> Outcome:
        """Record, find and search on a new Homeward, while each of `killed` is killed once within `within_s`."""
        ends = {
            camera.camera_id: self.starts_at + timedelta(seconds=camera.lasts_s) for camera in self.scene.truth.cameras
        }
        with running(folder) as pipeline:
            begun = time.monotonic()
            killer = threading.Thread(target=_kill, args=(pipeline.stack, killed, within_s, seed))
            killer.start()
            pipeline.record(self.scene.videos, self.starts_at)
            photo = reference_photo(self.person_id).read_bytes()
            # An operator does without a camera's last moment, in which a clip of its own may lie: here none may miss.
            whole = CAMERA_SLACK - timedelta(seconds=0.1)
            pipeline.wait_detected({camera: end + whole for camera, end in ends.items()})
            end = max(ends.values()) + timedelta(seconds=9)
            issued = pipeline.authorise([photo], sorted(ends), self.starts_at, end)
            progress = pipeline.operator.wait_searched(issued.authorisation_id, timedelta(seconds=240))
            took_s = time.monotonic() - begun
            killer.join()
            sightings = pipeline.operator.sightings(issued.authorisation_id)
            assert progress.refusal is None
            found = [(each.camera_id, each.clip_id, each.face_index) for each in sightings]
            assert len(set(found)) == len(found), "one face has two sightings"
            faces = {
                (message.clip_id, message.SerializeToString(deterministic=True))
                for event in pipeline.operator.log.snapshot(FACES)
                if isinstance(message := event.message, ClipFaces)
            }
            return Outcome(frozenset(faces), frozenset(found), took_s)


def _kill(stack: Stack, services: Sequence[str], within_s: float, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a moment, not a secret
    moments = sorted((dice.uniform(0, within_s), service) for service in services)
    begun = time.monotonic()
    for at_s, service in moments:
        time.sleep(max(0.0, begun + at_s - time.monotonic()))
        stack.services[service].kill()


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    people = person_ids()[:4]
    scene = compose_people(people, tmp_path_factory.mktemp("scene"), cameras=2, seed=5)
    return Case(scene, datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=20), people[0])


@pytest.fixture(scope="module")
def undisturbed(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    outcome = case.run(tmp_path_factory.mktemp("undisturbed"))
    assert outcome.sighted
    return outcome


@pytest.mark.slow
def test_every_service_is_killed_once(case: Case, undisturbed: Outcome, tmp_path: Path) -> None:
    seed = random.randrange(10_000)  # noqa: S311 - another moment each time
    outcome = case.run(tmp_path, SERVICES, undisturbed.took_s, seed)
    assert outcome.faces == undisturbed.faces, f"killed at the moments of seed {seed}"
    assert outcome.sighted == undisturbed.sighted, f"killed at the moments of seed {seed}"


@pytest.mark.slow
@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("seed", [1])
def test_one_service_is_killed(case: Case, undisturbed: Outcome, tmp_path: Path, service: str, seed: int) -> None:
    outcome = case.run(tmp_path, [service], undisturbed.took_s, seed)
    assert outcome.faces == undisturbed.faces
    assert outcome.sighted == undisturbed.sighted
