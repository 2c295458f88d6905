"""The embedder over gRPC: references go out, templates come back, and stay in memory."""

from collections.abc import Callable, Iterator, Sequence
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

_OPTIONS: Final[tuple[tuple[str, int], ...]] = (
    # An embedder that was started anew is found within seconds; gRPC itself would wait up to two minutes.
    ("grpc.max_reconnect_backoff_ms", 2000),
    # The target alone is asked, whatever proxy the environment names.
    ("grpc.enable_http_proxy", 0),
)

_DENIED: Final = frozenset({grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED})


def connect(target: str) -> grpc.Channel:
    """Return a channel to `target`, host:port; it connects when it is used."""
    return grpc.insecure_channel(target, options=list(_OPTIONS))


class GrpcEmbedder:
    """Asks for templates, one stream a call: what is under way is bounded by the references of one call."""

    def __init__(self, channel: grpc.Channel, timeout: timedelta) -> None:
        """`timeout` is the deadline of one stream."""
        self._stub = EmbeddingServiceStub(channel)
        self._timeout_s = timeout.total_seconds()

    def embed(
        self, token: str, references: Sequence[Reference], wanted: Callable[[], bool]
    ) -> list[Template | NoTemplate]:
        """Return the answer to each of `references`, in their order.

        Blocks until all are answered, the deadline passes, or `wanted`, asked at every answer, says no.
        Raises EmbedderAwayError, EmbedderDeniedError, SearchEndedError.
        """
        if not references:
            return []
        answers: dict[int, Template | NoTemplate] = {}
        call = self._stub.Embed(_requests(token, references), timeout=self._timeout_s)
        try:
            for response in call:
                if not wanted():
                    raise SearchEndedError("the authorisation ended while the embedder was at work")
                answers[response.request_id] = _read(response)
        except grpc.RpcError as error:
            raise _error(error) from None
        finally:
            call.cancel()
        if answers.keys() != set(range(len(references))):
            raise EmbedderAwayError("the embedder left references without an answer")
        return [answers[index] for index in range(len(references))]


def _requests(token: str, references: Sequence[Reference]) -> Iterator[pb.EmbedRequest]:
    yield pb.EmbedRequest(open=pb.OpenStream(token=token))
    for index, reference in enumerate(references):
        if isinstance(reference, PhotoReference):
            photo = pb.PhotoReference(request_id=index, photo_key=reference.photo_key)
            yield pb.EmbedRequest(photo=photo)
        else:
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
