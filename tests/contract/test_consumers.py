"""The recorded bytes of every topic mean something to every service that consumes it, and to the command."""

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry
from sqlalchemy import select

from homeward.access.audit.folding import AuditFolder
from homeward.access.audit.tables import AuditLine
from homeward.access.footage.cameras import CameraTable
from homeward.cli.commands.watch import as_dict
from homeward.cli.progress import SearchProgress
from homeward.cli.results import results_table
from homeward.detection.adapters.pyav_clip import PyavClipReader
from homeward.detection.faces import FoundFace
from homeward.detection.handler import DetectionHandler
from homeward.detection.metrics import DetectionMetrics
from homeward.detection.motion import Activity
from homeward.detection.search import SearchRules
from homeward.ingest.adapters.camera_files import CameraFiles
from homeward.ingest.handler import CameraStates
from homeward.matching.adapters.qdrant import QdrantSubjects
from homeward.retention.authorisations import AuthorisationTable
from homeward.retention.holds import HoldTable
from homeward.retention.limit_table import LimitTable
from homeward.shared.clock import SystemClock
from homeward.shared.events import Event, decode
from homeward.shared.objectkeys import FOOTAGE_BUCKET
from homeward.shared.objectstore.memory_store import MemoryStore
from homeward.shared.topics import (
    AUDIT,
    AUTHORISATIONS,
    CAMERAS,
    CLIPS,
    FACES,
    HOLDS,
    SEARCH_TASKS,
    SIGHTINGS,
    TOPICS,
    Topic,
)
from homewardapi.face.v1.face_pb2 import DETECTION_OUTCOME_UNREADABLE, ClipFaces
from homewardapi.search.v1.search_pb2 import REFUSAL_REASON_NOT_AUTHORISED
from homewardapi.sighting.v1.sighting_pb2 import Sighting
from support import access_world, examples, recorded
from support.matching import World
from support.matching_handlers import live, planning, search_task, tasks

CONSUMED: Final[Mapping[str, frozenset[Topic]]] = MappingProxyType(
    {
        "ingest": frozenset({CAMERAS}),
        "detection": frozenset({CLIPS}),
        "embedding": frozenset(),
        "matching": frozenset({AUTHORISATIONS, FACES, SEARCH_TASKS}),
        "retention": frozenset({AUTHORISATIONS, CAMERAS, HOLDS}),
    }
)
"""What each service consumes; each pair of these has a test below."""


def read(topic: Topic) -> Event:
    """Return the event in the recorded bytes of `topic`."""
    record = recorded.load(topic)
    return decode(topic, record.key, record.value, record.headers)


@pytest.mark.parametrize("service", CONSUMED)
def test_a_service_consumes_what_is_tested_here(service: str) -> None:
    root = importlib.import_module(f"homeward.{service}.bootstrap")
    assert {value for value in vars(root).values() if isinstance(value, Topic)} == CONSUMED[service]


def test_ingest_records_the_camera(tmp_path: Path) -> None:
    states, event = CameraStates(CameraFiles(tmp_path)), read(CAMERAS)
    states.change(event.key, event.message)
    spec = states.wanted()[1][examples.CAMERA_ID].spec
    assert spec is not None
    assert (spec.camera_id, spec.path) == (examples.CAMERA_ID, "/footage/north-gate.mp4")


@dataclass
class NoFinder:
    name: str = "none"
    sha256: str = "ab" * 32

    def find(self, picture: NDArray[np.uint8], activity: Activity) -> list[FoundFace]:
        raise NotImplementedError("the recorded clip has no footage")

    def close(self) -> None:
        pass


def test_detection_answers_the_clip() -> None:
    store = MemoryStore(SystemClock())
    store.ensure_bucket(FOOTAGE_BUCKET)
    handler = DetectionHandler(
        store=store,
        reader=PyavClipReader(most_pixels=4096 * 2304),
        finder=NoFinder(),
        rules=SearchRules(0.25, 8, 60, 0.8, 0.12, 0.5, 3, 32),
        dense=timedelta(seconds=2),
        metrics=DetectionMetrics(CollectorRegistry()),
        clock=SystemClock(),
    )
    (answer,) = handler.handle(read(CLIPS))
    assert isinstance(answer.message, ClipFaces)
    assert (answer.message.clip_id, answer.message.outcome) == (examples.CLIP_ID, DETECTION_OUTCOME_UNREADABLE)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    subjects = QdrantSubjects.in_folder(tmp_path / "templates")
    yield World(subjects)
    subjects.close()


def test_matching_refuses_the_token_of_the_authorisation(world: World) -> None:
    (answer,) = planning(world).handle(read(AUTHORISATIONS))
    task = search_task(answer)
    assert (task.authorisation_id, task.refused.reason) == (examples.AUTHORISATION_ID, REFUSAL_REASON_NOT_AUTHORISED)


@pytest.mark.parametrize(
    ("topic", "handler"), [(SEARCH_TASKS, tasks), (FACES, live)], ids=lambda part: getattr(part, "name", "")
)
def test_matching_takes_tasks_and_faces_and_looks_for_nobody(
    world: World, topic: Topic, handler: Callable[[World], object]
) -> None:
    # Long enough after it was told for an authorisation to be known, if there were one.
    world.clock.move(timedelta(days=1))
    assert list(handler(world).handle(read(topic))) == []  # type: ignore[attr-defined]  # each has its own class


def test_retention_keeps_to_what_it_reads(world: World) -> None:
    authorisations, holds, limits = (
        AuthorisationTable(world.authority.verifier),
        HoldTable(),
        LimitTable(MemoryStore(world.clock), world.clock),
    )
    for table, topic in ((authorisations, AUTHORISATIONS), (holds, HOLDS), (limits, CAMERAS)):
        event = read(topic)
        table.apply(event.key, event.message)
    assert authorisations.unverified_ids() == {examples.AUTHORISATION_ID}
    (held,) = holds.in_force(examples.ENDS_AT)
    assert held.camera_ids == {examples.CAMERA_ID}
    assert limits.limit(examples.CAMERA_ID, examples.STARTS_AT) == timedelta(days=30)


def test_access_knows_the_camera_and_writes_the_record_down() -> None:
    cameras, event = CameraTable(), read(CAMERAS)
    cameras.apply(event.key, event.message)
    view = cameras.find(examples.CAMERA_ID)
    assert view is not None
    assert (view.display_name, view.retention) == ("North gate", timedelta(days=30))
    database = access_world.database()
    assert AuditFolder(database).handle(read(AUDIT)) == []
    with database.read() as session:
        assert session.scalars(select(AuditLine.record_id)).all() == [read(AUDIT).key]


@pytest.mark.parametrize("topic", TOPICS.values(), ids=lambda topic: topic.name)
def test_the_command_shows_it(topic: Topic) -> None:
    shown = as_dict(read(topic))
    assert shown["data"][topic.key_field] == read(topic).key


def test_the_command_follows_the_search_and_shows_the_sighting() -> None:
    assert SearchProgress().after(read(SEARCH_TASKS), examples.AUTHORISATION_ID) == SearchProgress()
    sighting = read(SIGHTINGS).message
    assert isinstance(sighting, Sighting)
    assert results_table([sighting]).row_count == 1
