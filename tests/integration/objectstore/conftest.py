"""The stores that the behaviour suite runs against: the one in memory, SeaweedFS, and a real MinIO."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeward.cli.embedded.seaweedfs import SeaweedFs
from homeward.shared.clock import SystemClock
from homeward.shared.objectstore.memory_store import MemoryStore
from homeward.shared.objectstore.minio_store import MinioStore
from homeward.shared.objectstore.port import ObjectStore
from support.authorisations import MovableClock
from support.minio_server import MinioServer
from support.object_stores import Server, Subject, fetch_by_http
from support.seaweedfs import running_seaweedfs


@pytest.fixture(scope="session")
def seaweedfs_subject(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    with running_seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield Subject(MinioStore(server.settings), SystemClock(), fetch_by_http, time.sleep)


@pytest.fixture(scope="session")
def minio_subject(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    with MinioServer(tmp_path_factory.mktemp("minio")) as server:
        yield Subject(MinioStore(server.settings), SystemClock(), fetch_by_http, time.sleep)


@pytest.fixture
def memory_subject() -> Subject:
    clock = MovableClock()
    store = MemoryStore(clock)
    return Subject(store, clock, store.fetch, clock.sleep)


@pytest.fixture(params=["memory", "seaweedfs", pytest.param("minio", marks=pytest.mark.minio)])
def subject(request: pytest.FixtureRequest) -> Subject:
    found: Subject = request.getfixturevalue(f"{request.param}_subject")
    return found


@pytest.fixture
def store(subject: Subject) -> ObjectStore:
    return subject.store


@pytest.fixture
def bucket(store: ObjectStore) -> str:
    name = f"test-{uuid.uuid4()}"
    store.ensure_bucket(name)
    return name


@pytest.fixture
def locking_bucket(store: ObjectStore) -> str:
    name = f"test-{uuid.uuid4()}"
    store.ensure_bucket(name, object_lock=True)
    return name


@pytest.fixture
def own_seaweedfs(tmp_path: Path) -> Iterator[SeaweedFs]:
    with running_seaweedfs(tmp_path) as server:
        yield server


@pytest.fixture
def own_minio(tmp_path: Path) -> Iterator[MinioServer]:
    with MinioServer(tmp_path) as server:
        yield server


@pytest.fixture(params=["seaweedfs", pytest.param("minio", marks=pytest.mark.minio)])
def server(request: pytest.FixtureRequest) -> Server:
    """A server that is this test's own to kill."""
    found: Server = request.getfixturevalue(f"own_{request.param}")
    return found
