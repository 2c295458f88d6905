"""The client of the embedder against embedders that are slow, silent or die, over real gRPC."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import grpc
import pytest

from homeward.matching.adapters.embedding_client import GrpcEmbedder
from homeward.matching.ports import CropReference, EmbedderAwayError, SearchEndedError
from homeward.shared.runtime.grpc_server import serve
from homewardapi.embedding.v1 import embedding_service_pb2 as pb
from homewardapi.embedding.v1.embedding_service_pb2_grpc import (
    EmbeddingServiceServicer,
    add_EmbeddingServiceServicer_to_server,
)
from support.matching import MODEL


class Halting(EmbeddingServiceServicer):
    """Answers `answered` references, and then nothing until it is let go."""

    def __init__(self, answered: int, *, fails: bool = False) -> None:
        self._answered = answered
        self._fails = fails
        self.let_go = threading.Event()

    def Embed(  # noqa: N802 - the contract's name
        self, request_iterator: Iterator[pb.EmbedRequest], context: Any
    ) -> Iterator[pb.EmbedResponse]:
        next(request_iterator)
        for number in range(self._answered):
            next(request_iterator)
            template = pb.Template(values=[1.0, 0.0], embedder=MODEL.to_message())
            yield pb.EmbedResponse(request_id=number, template=template)
        if self._fails:
            context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
        self.let_go.wait(30)


@contextmanager
def client_of(servicer: Halting, silence: timedelta = timedelta(seconds=60)) -> Iterator[GrpcEmbedder]:
    server = serve(
        "127.0.0.1:0",
        lambda grpc_server: add_EmbeddingServiceServicer_to_server(servicer, grpc_server),
        services=[],
        drain=timedelta(seconds=1),
    )
    stop = threading.Event()
    thread = threading.Thread(target=server.run, args=(stop,))
    thread.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            yield GrpcEmbedder(channel, silence)
    finally:
        servicer.let_go.set()
        stop.set()
        thread.join(10)


def references(count: int) -> list[CropReference]:
    return [CropReference("a", number, 1) for number in range(count)]


def test_a_stop_is_heard_though_the_embedder_says_nothing() -> None:
    wanted = threading.Event()
    wanted.set()
    threading.Timer(0.5, wanted.clear).start()
    with client_of(Halting(answered=3)) as client:
        begun = time.monotonic()
        with pytest.raises(SearchEndedError):
            client.embed("a.b.c", references(10), wanted.is_set)
        assert time.monotonic() - begun < 5


def test_an_embedder_that_falls_silent_is_taken_for_away() -> None:
    with client_of(Halting(answered=3), timedelta(seconds=0.6)) as client, pytest.raises(EmbedderAwayError):
        client.embed("a.b.c", references(10), lambda: True)


def test_an_embedder_that_breaks_off_is_away_and_its_answers_came_before() -> None:
    with client_of(Halting(answered=3, fails=True)) as client:
        answers = client.stream("a.b.c", iter(references(10)), lambda: True)
        assert [number for number, _ in next(answers)] == [0, 1, 2]
        with pytest.raises(EmbedderAwayError, match="UNAVAILABLE"):
            next(answers)


def test_references_that_wait_for_their_answers_are_taken_one_by_one() -> None:
    asked: list[int] = []
    answered = threading.Semaphore(1)

    def one_by_one() -> Iterator[CropReference]:
        for number, reference in enumerate(references(5)):
            assert answered.acquire(timeout=10)
            asked.append(number)
            yield reference

    with client_of(Halting(answered=5)) as client:
        came: list[int] = []
        for some in client.stream("a.b.c", one_by_one(), lambda: True):
            came += [number for number, _ in some]
            for _ in some:
                answered.release()
            if len(came) == 5:
                break
        assert came == asked == [0, 1, 2, 3, 4]
