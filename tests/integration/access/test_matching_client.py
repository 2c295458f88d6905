"""Access tells matching to stop at once; one that is away, slow or wrong keeps nobody waiting."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import Any

import grpc
import pytest

from homeward.access.adapters.matching_client import MatchingSearches
from homewardapi.matching.v1.matching_service_pb2 import WipeSubjectRequest, WipeSubjectResponse
from homewardapi.matching.v1.matching_service_pb2_grpc import (
    MatchingServiceServicer,
    add_MatchingServiceServicer_to_server,
)


class Matching(MatchingServiceServicer):
    def __init__(self) -> None:
        self.wiped: list[str] = []
        self.remaining = 0
        self.slow: Event | None = None

    def GetSearch(self, request: Any, context: Any) -> Any:  # noqa: N802
        raise NotImplementedError

    def CountTemplates(self, request: Any, context: Any) -> Any:  # noqa: N802
        raise NotImplementedError

    def WipeSubject(self, request: WipeSubjectRequest, context: Any) -> WipeSubjectResponse:  # noqa: N802
        del context
        if self.slow is not None:
            self.slow.wait(10)
        self.wiped.append(request.authorisation_id)
        return WipeSubjectResponse(templates_deleted=1, templates_remaining=self.remaining)


@pytest.fixture
def matching() -> Matching:
    return Matching()


@pytest.fixture
def searches(matching: Matching) -> Iterator[MatchingSearches]:
    server = grpc.server(ThreadPoolExecutor(2))
    add_MatchingServiceServicer_to_server(matching, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_http_proxy", 0)])
    client = MatchingSearches(channel, timedelta(seconds=0.5))
    yield client
    client.close()
    server.stop(0).wait()


def test_a_search_is_stopped(matching: Matching, searches: MatchingSearches) -> None:
    assert searches.stop("0d5c2f6e-9b1a-4c53-8a7e-3f0b6f1d2c41")
    assert matching.wiped == ["0d5c2f6e-9b1a-4c53-8a7e-3f0b6f1d2c41"]
    matching.remaining = 1
    assert not searches.stop("0d5c2f6e-9b1a-4c53-8a7e-3f0b6f1d2c41")


def test_matching_that_is_slow_or_away_is_not_waited_for(matching: Matching, searches: MatchingSearches) -> None:
    matching.slow = Event()
    assert not searches.stop("0d5c2f6e-9b1a-4c53-8a7e-3f0b6f1d2c41")
    matching.slow.set()
    channel = grpc.insecure_channel("127.0.0.1:1", options=[("grpc.enable_http_proxy", 0)])
    away = MatchingSearches(channel, timedelta(seconds=0.5))
    assert not away.stop("0d5c2f6e-9b1a-4c53-8a7e-3f0b6f1d2c41")
    away.close()
