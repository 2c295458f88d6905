"""The embedder over gRPC: references go out, templates come back, and stay in memory."""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import grpc

from homeward.matching.ports import (
    EmbedderAwayError,
    EmbedderDeniedError,
    NoTemplate,
    PhotoReference,
    Reference,
    SearchEndedError,
)
from homeward.matching.template import Model, Template, UnusableTemplateError
from homewardapi.embedding.v1 import embedding_service_pb2 as pb
from homewardapi.embedding.v1.embedding_service_pb2_grpc import EmbeddingServiceStub

_TOGETHER: Final = 32
_TOGETHER_S: Final = 0.05
"""Answers that come within this time are compared together: short beside the second that a template may live."""

_LOOK_S: Final = 0.25
"""How often an idle stream looks whether it is still wanted."""

_DENIED: Final = frozenset({grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED})


@dataclass(frozen=True, slots=True)
class _End:
    """Nothing more comes: the other side has answered all, or failed with `error`."""

    error: grpc.RpcError | None = None


class GrpcEmbedder:
    """Asks for templates, one stream a call: what is under way is bounded by whoever makes the references."""

    def __init__(self, channel: grpc.Channel, silence: timedelta) -> None:
        """After `silence` without an answer the embedder is taken for away."""
        self._stub = EmbeddingServiceStub(channel)
        self._silence_s = silence.total_seconds()

    def embed(
        self, token: str, references: Sequence[Reference], wanted: Callable[[], bool]
    ) -> list[Template | NoTemplate]:
        """Return the answer to each of `references`, in their order.

        Blocks until all are answered, the embedder is silent for too long, or `wanted` says no.
        Raises EmbedderAwayError, EmbedderDeniedError, SearchEndedError.
        """
        if not references:
            return []
        answers: dict[int, Template | NoTemplate] = {}
        for some in self.stream(token, iter(references), wanted):
            answers.update(some)
        return [answers[index] for index in range(len(references))]

    def stream(
        self, token: str, references: Iterator[Reference], wanted: Callable[[], bool]
    ) -> Iterator[list[tuple[int, Template | NoTemplate]]]:
        """Yield answers as they come, each with the number of its reference; raises as `embed` does.

        `wanted` is asked at every answer, and a few times a second where none comes.
        """
        asked = _Asked(token, references)
        call = self._stub.Embed(iter(asked))
        came: queue.SimpleQueue[pb.EmbedResponse | _End] = queue.SimpleQueue()
        threading.Thread(target=_receive, args=(call, came), name="answers", daemon=True).start()
        answered = 0
        try:
            while True:
                some, end = self._gather(came, wanted)
                answered += len(some)
                if some:
                    yield some
                if end is not None:
                    break
            if end.error is not None:
                raise _error(end.error)
            if answered != asked.count:
                raise EmbedderAwayError("the embedder left references without an answer")
        finally:
            call.cancel()

    def _gather(
        self, came: "queue.SimpleQueue[pb.EmbedResponse | _End]", wanted: Callable[[], bool]
    ) -> tuple[list[tuple[int, Template | NoTemplate]], _End | None]:
        """Return what has come, after a first answer all that follow it at once, and the end where it is there."""
        some: list[tuple[int, Template | NoTemplate]] = []
        until = time.monotonic() + self._silence_s
        together = until
        while len(some) < _TOGETHER:
            if not wanted():
                raise SearchEndedError("the authorisation ended while the embedder was at work")
            try:
                item = came.get(timeout=max(0.0, min(_LOOK_S, together - time.monotonic())))
            except queue.Empty:
                if some and time.monotonic() >= together:
                    break
                if time.monotonic() >= until:
                    raise EmbedderAwayError("the embedder is silent") from None
                continue
            if isinstance(item, _End):
                return some, item
            if not some:
                together = time.monotonic() + _TOGETHER_S
            some.append((item.request_id, _read(item)))
        return some, None


def _receive(call: Iterable[pb.EmbedResponse], came: "queue.SimpleQueue[pb.EmbedResponse | _End]") -> None:
    try:
        for response in call:
            came.put(response)
    except grpc.RpcError as error:
        came.put(_End(error))
    else:
        came.put(_End())


class _Asked(Iterable[pb.EmbedRequest]):
    """The requests of one stream; `count` is how many references were asked for so far."""

    def __init__(self, token: str, references: Iterator[Reference]) -> None:
        self.count = 0
        self._token = token
        self._references = references

    def __iter__(self) -> Iterator[pb.EmbedRequest]:
        yield pb.EmbedRequest(open=pb.OpenStream(token=self._token))
        for reference in self._references:
            index, self.count = self.count, self.count + 1
            if isinstance(reference, PhotoReference):
                yield pb.EmbedRequest(photo=pb.PhotoReference(request_id=index, photo_key=reference.photo_key))
                continue
            crop = pb.CropReference(
                request_id=index,
                crops_key=reference.crops_key,
                offset_bytes=reference.offset_bytes,
                length_bytes=reference.length_bytes,
            )
            yield pb.EmbedRequest(crop=crop)


def _read(response: pb.EmbedResponse) -> Template | NoTemplate:
    match response.WhichOneof("result"):
        case "template":
            model = Model.read(response.template.embedder)
            try:
                return Template.of(response.template.values, model)
            except UnusableTemplateError:
                return NoTemplate(pb.REFUSAL_REASON_UNREADABLE)
        case "refusal":
            return NoTemplate(response.refusal.reason)
        case _:
            raise EmbedderAwayError("the embedder answered in a way that this version does not know")


def _error(error: grpc.RpcError) -> EmbedderAwayError | EmbedderDeniedError:
    # A call's own error is the call too, which knows the code; its details are the other side's words.
    call: Any = error
    code: grpc.StatusCode = call.code()
    if code in _DENIED:
        return EmbedderDeniedError(f"the embedder answers {code.name}")
    return EmbedderAwayError(f"the embedder answers {code.name}")
