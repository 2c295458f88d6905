"""A broker, an embedder that knows its people, and the real service as a process."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from homeward.shared.runtime.topics_admin import create_topics
from homeward.shared.topics import TOPICS
from support.matching import FakeEmbedder
from support.matching_service import (
    EmbeddingServicer,
    Matching,
    Scene,
    real_time_authority,
    real_time_verifier,
    serving,
    wait_until,
)
from support.tansu import running_tansu


@contextmanager
def running(folder: Path) -> Iterator[Matching]:
    with ExitStack() as stack:
        tansu = stack.enter_context(running_tansu(folder / "tansu"))
        create_topics(tansu.kafka, TOPICS.values())
        authority = real_time_authority()
        servicer = EmbeddingServicer(FakeEmbedder(), real_time_verifier(authority))
        target = stack.enter_context(serving(servicer))
        matching = Matching(tansu.kafka, folder, servicer, target, authority)
        stack.callback(matching.close)
        matching.start()
        yield matching


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matching]:
    with running(tmp_path_factory.mktemp("matching")) as matching:
        yield matching


@pytest.fixture
def scene(service: Matching) -> Iterator[Scene]:
    """A scene at the service that the module's tests share; it ends with its templates wiped."""
    scene = Scene(service)
    yield scene
    service.servicer.delay_s = 0.0
    scene.close()
    wait_until(lambda: scene.templates() == 0, "the scene's templates are wiped", 10)


@pytest.fixture
def own_scene(tmp_path: Path) -> Iterator[Scene]:
    """A scene at a service of the test's own, to be killed or stopped."""
    with running(tmp_path) as matching:
        yield Scene(matching)
