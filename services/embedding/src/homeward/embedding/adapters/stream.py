"""One open stream: questions in, answers out, with reading, computing and sending under way at the same time."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any, Final

import grpc
import numpy as np
from numpy.typing import NDArray

from homeward.embedding.answers import Answer, CropAsked, PhotoAsked, Reason
from homeward.embedding.dispatcher import StoppedError
from homeward.embedding.handler import Face, Session
from homeward.embedding.runs import Question, take_run
from homeward.shared.objectstore.port import ObjectStoreError, ObjectStoreUnavailableError
from homeward.shared.telemetry.logging import get_logger
from homewardapi.embedding.v1 import embedding_service_pb2 as pb
from homewardapi.model.v1.model_pb2 import ModelRef

_READS: Final = 2
"""Reads of a stream at once: one is under way while the pictures of the other are decoded. What is asked meanwhile
gathers, so that the crops of a clip come with one read."""

_log = get_logger()


class StreamError(Exception):
    """The stream cannot go on."""

    def __init__(self, status: grpc.StatusCode, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


@dataclass(frozen=True, slots=True)
class _Ended:
    """The caller has asked everything, `count` questions."""

    count: int


@dataclass(frozen=True, slots=True, repr=False)
class _Computed:
    """What became of a question: a template, or why there is none."""

    question: Question
    result: NDArray[np.float32] | Reason


class Stream:
    """A thread takes the questions, readers read, engines compute, and the caller's thread judges and answers."""

    def __init__(
        self, session: Session, readers: Executor, stopping: Callable[[], bool], in_flight: int, check_s: float
    ) -> None:
        """`in_flight` bounds the questions under way; `check_s` is how often an idle stream looks for its end."""
        self._session = session
        self._stopping = stopping
        self._readers = readers
        self._check_s = check_s
        self._slots = threading.Semaphore(in_flight)
        self._stop = threading.Event()
        self._out: queue.SimpleQueue[_Computed | StreamError | _Ended] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting: deque[Question] = deque()
        self._reading = 0

    def answers(self, requests: Iterator[pb.EmbedRequest]) -> Iterator[pb.EmbedResponse]:
        """Yield the answers as they come; raise StreamError when the stream cannot go on."""
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
                if isinstance(item, StreamError):
                    raise item
                if isinstance(item, _Ended):
                    asked = item.count
                    continue
                answered += 1
                self._slots.release()
                yield _response(item.question.request_id, self._session.answer(item.question.asked, item.result))
        finally:
            self._stop.set()
            self._slots.release()

    def _wanted(self) -> bool:
        return not self._stop.is_set()

    def _look_whether_over(self) -> None:
        if self._session.over():
            raise StreamError(grpc.StatusCode.PERMISSION_DENIED, "expired: the authorisation has expired")
        if self._stopping():
            # An open stream would hold up the end of the service for the whole of its drain.
            raise StreamError(grpc.StatusCode.UNAVAILABLE, "the service is stopping")

    def _take(self, requests: Iterator[pb.EmbedRequest]) -> None:
        count = 0
        try:
            for request in requests:
                question = _question(request)
                self._slots.acquire()
                if not self._wanted():
                    return
                with self._lock:
                    self._waiting.append(question)
                self._read_on()
                count += 1
        except StreamError as error:
            self._out.put(error)
        except grpc.RpcError:
            # The caller has gone; gRPC ends the stream.
            self._out.put(_Ended(0))
        else:
            self._out.put(_Ended(count))

    def _read_on(self, done: int = 0) -> None:
        """Begin the next read where one waits and not too many are under way; `done` is how many have just ended."""
        with self._lock:
            self._reading -= done
            if not self._waiting or self._reading >= _READS:
                return
            run = take_run(self._waiting)
            self._reading += 1
        try:
            self._readers.submit(self._read, run)
        except RuntimeError:
            # The readers take nothing more.
            self._out.put(_stopping())

    def _read(self, run: Sequence[Question]) -> None:
        try:
            if self._wanted():
                for question, picture in zip(run, self._pictures(run), strict=True):
                    self._compute(question, picture)
        except ObjectStoreUnavailableError:
            self._out.put(StreamError(grpc.StatusCode.UNAVAILABLE, "the object store is away"))
        except StoppedError:
            self._out.put(_stopping())
        except ObjectStoreError as error:
            _log.warning("object store failed", error=error)
            self._out.put(StreamError(grpc.StatusCode.INTERNAL, "the object store failed"))
        except Exception as error:  # noqa: BLE001 - the caller must hear of it, or it would wait for ever
            self._fail(error)
        finally:
            self._read_on(done=1)

    def _pictures(self, run: Sequence[Question]) -> Iterator[Face | Reason]:
        crops = [question.asked for question in run if isinstance(question.asked, CropAsked)]
        if crops:
            return self._session.crops(crops)
        return (self._session.photo(question.asked) for question in run if isinstance(question.asked, PhotoAsked))

    def _compute(self, question: Question, picture: Face | Reason) -> None:
        if isinstance(picture, Reason):
            self._out.put(_Computed(question, picture))
            return
        future = self._session.compute(picture, self._wanted)
        future.add_done_callback(lambda done: self._computed(question, done))

    def _computed(self, question: Question, done: "Future[NDArray[np.float32]]") -> None:
        if done.cancelled():
            return
        error = done.exception()
        if error is None:
            self._out.put(_Computed(question, done.result()))
        else:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        _log.error("question failed", exc_info=error)
        self._out.put(StreamError(grpc.StatusCode.INTERNAL, "the question could not be answered"))


def _stopping() -> StreamError:
    return StreamError(grpc.StatusCode.UNAVAILABLE, "the service is stopping")


def _question(request: pb.EmbedRequest) -> Question:
    match request.WhichOneof("request"):
        case "crop":
            crop = request.crop
            return Question(crop.request_id, CropAsked(crop.crops_key, crop.offset_bytes, crop.length_bytes))
        case "photo":
            return Question(request.photo.request_id, PhotoAsked(request.photo.photo_key))
        case "open":
            raise StreamError(grpc.StatusCode.INVALID_ARGUMENT, "a stream is opened once")
        case _:
            raise StreamError(grpc.StatusCode.INVALID_ARGUMENT, "a request is neither a crop nor a photo")


def _response(request_id: int, answer: Answer) -> pb.EmbedResponse:
    if isinstance(answer, Reason):
        return pb.EmbedResponse(request_id=request_id, refusal=pb.Refusal(reason=answer.value))
    embedder = ModelRef(name=answer.model.name, sha256=answer.model.sha256)
    values: Any = answer.values.tolist()
    return pb.EmbedResponse(request_id=request_id, template=pb.Template(values=values, embedder=embedder))
