"""The stores that the behaviour suite runs against: the one in memory, SeaweedFS, and a real MinIO."""

import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from homeward.shared.clock import Clock, SystemClock
from homeward.shared.objectstore.memory_store import MemoryStore
from homeward.shared.objectstore.minio_store import MinioStore
from homeward.shared.objectstore.port import ObjectStore
from support.authorisations import MovableClock
from support.minio_server import MinioServer
from support.seaweedfs import running_seaweedfs


@dataclass(frozen=True)
class Subject:
    """A store under test: `fetch` reads a presigned URL, `pass_time` lets seconds go by on `clock`."""

    store: ObjectStore
    clock: Clock
    fetch: Callable[[str], bytes]
    pass_time: Callable[[float], None]


def fetch_by_http(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - the URL is of this test
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            raise PermissionError(f"HTTP status {error.code}") from error


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
