"""A broker of each test's own, an embedder that knows its people, and the real service as a process."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from homeward.shared.runtime.topics_admin import create_topics
from homeward.shared.topics import TOPICS
from support.matching import FakeEmbedder
from support.matching_service import (
    EmbeddingServicer,
    Matching,
    real_time_authority,
    real_time_verifier,
    serving,
)
from support.tansu import running_tansu

Start = Callable[..., Matching]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start the service, with settings of the test's own."""
    with ExitStack() as stack:
        tansu = stack.enter_context(running_tansu(tmp_path / "tansu"))
        create_topics(tansu.kafka, TOPICS.values())
        authority = real_time_authority()
        servicer = EmbeddingServicer(FakeEmbedder(), real_time_verifier(authority))
        target = stack.enter_context(serving(servicer))

        def begin(**extra: str) -> Matching:
            matching = Matching(tansu.kafka, tmp_path, servicer, target, authority, extra)
            stack.callback(matching.close)
            matching.start()
            return matching

        yield begin


@pytest.fixture
def matching(start: Start) -> Matching:
    return start()
