"""The gRPC face of the service: one stream, one authorisation."""

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final

import grpc

from homeward.embedding.answers import Answer, Asked, CropAsked, PhotoAsked, Reason
from homeward.embedding.dispatcher import StoppedError
from homeward.embedding.handler import EmbeddingHandler, Session
from homeward.embedding.metrics import EmbeddingMetrics
from homeward.shared.authorisation import AuthorisationDeniedError, DenialCode
from homeward.shared.objectstore.port import ObjectStoreError, ObjectStoreUnavailableError
from homeward.shared.telemetry.logging import get_logger
from homewardapi.embedding.v1 import embedding_service_pb2 as pb
from homewardapi.embedding.v1 import embedding_service_pb2_grpc as rpc
from homewardapi.model.v1.model_pb2 import ModelRef

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
        in_flight: int = 16,
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
        stream = _Stream(session, self._readers, self._stopping, self._in_flight, self._check_s)
        self._metrics.opened()
        try:
            yield from stream.answers(request_iterator)
        except _StreamError as error:
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


class _StreamError(Exception):
    def __init__(self, status: grpc.StatusCode, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


@dataclass(frozen=True, slots=True)
class _Ended:
    """The caller has asked everything, `count` questions."""

    count: int


class _Stream:
    """One open stream: a thread takes the questions, the readers answer them, the caller's thread sends the answers."""

    def __init__(
        self, session: Session, readers: Executor, stopping: Callable[[], bool], in_flight: int, check_s: float
    ) -> None:
        self._session = session
        self._stopping = stopping
        self._readers = readers
        self._check_s = check_s
        self._slots = threading.Semaphore(in_flight)
        self._stop = threading.Event()
        self._out: queue.SimpleQueue[pb.EmbedResponse | _StreamError | _Ended] = queue.SimpleQueue()

    def answers(self, requests: Iterator[pb.EmbedRequest]) -> Iterator[pb.EmbedResponse]:
        """Yield the answers as they come; raise _StreamError when the stream cannot go on."""
        threading.Thread(target=self._take, args=(requests,), name="questions", daemon=True).start()
        asked: int | None = None
        answered = 0
        try:
            while asked is None or answered < asked:
                try:
                    item = self._out.get(timeout=self._check_s)
                except queue.Empty:
                    self._look_whether_over()
                    continue
                if isinstance(item, _StreamError):
                    raise item
                if isinstance(item, _Ended):
                    asked = item.count
                    continue
                answered += 1
                self._slots.release()
                yield item
        finally:
            self._stop.set()
            self._slots.release()

    def _look_whether_over(self) -> None:
        if self._session.over():
            raise _StreamError(grpc.StatusCode.PERMISSION_DENIED, "expired: the authorisation has expired")
        if self._stopping():
            # An open stream would hold up the end of the service for the whole of its drain.
            raise _StreamError(grpc.StatusCode.UNAVAILABLE, "the service is stopping")

    def _take(self, requests: Iterator[pb.EmbedRequest]) -> None:
        count = 0
        try:
            for request in requests:
                self._slots.acquire()
                if self._stop.is_set():
                    return
                self._readers.submit(self._answer, *_read(request))
                count += 1
        except _StreamError as error:
            self._out.put(error)
        except RuntimeError:
            # The readers take nothing more: the service is stopping.
            self._out.put(_StreamError(grpc.StatusCode.UNAVAILABLE, "the service is stopping"))
        except grpc.RpcError:
            # The caller has gone; gRPC ends the stream.
            self._out.put(_Ended(0))
        else:
            self._out.put(_Ended(count))

    def _answer(self, request_id: int, asked: Asked) -> None:
        if self._stop.is_set():
            return
        try:
            self._out.put(_response(request_id, self._session.answer(asked)))
        except ObjectStoreUnavailableError:
            self._out.put(_StreamError(grpc.StatusCode.UNAVAILABLE, "the object store is away"))
        except StoppedError:
            self._out.put(_StreamError(grpc.StatusCode.UNAVAILABLE, "the service is stopping"))
        except ObjectStoreError as error:
            _log.warning("object store failed", error=error)
            self._out.put(_StreamError(grpc.StatusCode.INTERNAL, "the object store failed"))
        except Exception as error:  # noqa: BLE001 - the caller must hear of it, or it would wait for ever
            _log.error("question failed", exc_info=error)
            self._out.put(_StreamError(grpc.StatusCode.INTERNAL, "the question could not be answered"))


def _read(request: pb.EmbedRequest) -> tuple[int, Asked]:
    match request.WhichOneof("request"):
        case "crop":
            crop = request.crop
            return crop.request_id, CropAsked(crop.crops_key, crop.offset_bytes, crop.length_bytes)
        case "photo":
            return request.photo.request_id, PhotoAsked(request.photo.photo_key)
        case "open":
            raise _StreamError(grpc.StatusCode.INVALID_ARGUMENT, "a stream is opened once")
        case _:
            raise _StreamError(grpc.StatusCode.INVALID_ARGUMENT, "a request is neither a crop nor a photo")


def _response(request_id: int, answer: Answer) -> pb.EmbedResponse:
    if isinstance(answer, Reason):
        return pb.EmbedResponse(request_id=request_id, refusal=pb.Refusal(reason=answer.value))
    embedder = ModelRef(name=answer.model.name, sha256=answer.model.sha256)
    return pb.EmbedResponse(
        request_id=request_id, template=pb.Template(values=answer.values.tolist(), embedder=embedder)
    )
