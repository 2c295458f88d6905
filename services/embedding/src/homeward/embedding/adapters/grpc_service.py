"""The gRPC face of the service: one stream, one authorisation."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import Any, Final

import grpc

from homeward.embedding.adapters.stream import Stream, StreamError
from homeward.embedding.handler import EmbeddingHandler, Session
from homeward.embedding.metrics import EmbeddingMetrics
from homeward.shared.authorisation import AuthorisationDeniedError, DenialCode
from homeward.shared.telemetry.logging import get_logger
from homewardapi.embedding.v1 import embedding_service_pb2 as pb
from homewardapi.embedding.v1 import embedding_service_pb2_grpc as rpc

SERVICE: Final = pb.DESCRIPTOR.services_by_name["EmbeddingService"].full_name

_NOT_OPEN: Final = frozenset({DenialCode.EXPIRED, DenialCode.NOT_YET_VALID, DenialCode.PURPOSE})
"""Denials of a token that is genuine and opens nothing here; every other means that it is not to be trusted."""

_log = get_logger()


class EmbeddingServicer(rpc.EmbeddingServiceServicer):
    """Answers streams. `readers` runs what is asked; a stream has `in_flight` questions under way at most."""

    def __init__(
        self,
        handler: EmbeddingHandler,
        readers: Executor,
        *,
        metrics: EmbeddingMetrics,
        stopping: Callable[[], bool],
        in_flight: int = 32,
        check_s: float = 0.5,
    ) -> None:
        """`stopping` tells whether the service ends.

        `check_s` is how often a stream without questions looks whether its authorisation or the service has ended.
        """
        self._handler = handler
        self._readers = readers
        self._metrics = metrics
        self._in_flight = in_flight
        self._check_s = check_s
        self._stopping = stopping

    def Embed(  # noqa: N802 - the name of the contract
        self, request_iterator: Iterator[pb.EmbedRequest], context: Any
    ) -> Iterator[pb.EmbedResponse]:
        """Answer one stream; called by gRPC on a thread of its own, which it keeps until the stream ends."""
        session = self._open(request_iterator, context)
        stream = Stream(session, self._readers, self._stopping, self._in_flight, self._check_s)
        self._metrics.opened()
        try:
            yield from stream.answers(request_iterator)
        except StreamError as error:
            context.abort(error.status, error.words)
        finally:
            self._metrics.closed()

    def _open(self, requests: Iterator[pb.EmbedRequest], context: Any) -> Session:
        first = next(requests, None)
        if first is None or first.WhichOneof("request") != "open":
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "a stream begins with its opening")
            raise AssertionError  # abort has raised
        try:
            return self._handler.open(first.open.token)
        except AuthorisationDeniedError as error:
            self._metrics.denied(error.denial.code.value)
            _log.warning("stream denied", denial=error.denial.code.value)
            status = (
                grpc.StatusCode.PERMISSION_DENIED if error.denial.code in _NOT_OPEN else grpc.StatusCode.UNAUTHENTICATED
            )
            context.abort(status, f"{error.denial.code.value}: {error.denial.reason}")
            raise AssertionError from error  # as above
