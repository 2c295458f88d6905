import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray

from homeward.embedding.ports import Embedder
from homeward.shared.authorisation import Purpose
from homeward.shared.vision.alignment import inner
from homeward.shared.vision.jpeg import decode_picture, encode_jpeg
from homewardapi.embedding.v1 import embedding_service_pb2 as pb
from support.authorisations import NOON, Authority, request

from .conftest import Service


def jpegs(count: int, seed: int = 1) -> list[bytes]:
    """Return canvases of soft noise: not faces, but the embedder answers anything."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 255, (count, 11, 11, 3)).astype(np.uint8)
    return [encode_jpeg(np.kron(one, np.ones((16, 16, 1), np.uint8)).astype(np.uint8)) for one in small]


def values(answer: pb.EmbedResponse) -> NDArray[np.float32]:
    assert answer.WhichOneof("result") == "template", answer.refusal.reason
    return np.array(answer.template.values, np.float32)


def bare(engine: Embedder, jpeg: bytes) -> NDArray[np.float32]:
    return np.asarray(engine.embed(inner(decode_picture(jpeg, 176 * 176))[None])[0], np.float32)


class Questions:
    """Requests that are sent one by one, as a caller that keeps its stream open does."""

    def __init__(self, *requests: pb.EmbedRequest) -> None:
        self._requests: queue.SimpleQueue[pb.EmbedRequest | None] = queue.SimpleQueue()
        for one in requests:
            self._requests.put(one)

    def ask(self, one: pb.EmbedRequest) -> None:
        self._requests.put(one)

    def end(self) -> None:
        self._requests.put(None)

    def __iter__(self) -> Iterator[pb.EmbedRequest]:
        while (one := self._requests.get()) is not None:
            yield one


def rest(answers: Iterator[pb.EmbedResponse]) -> tuple[list[pb.EmbedResponse], grpc.StatusCode]:
    """Return the answers that still come, and the status with which the stream ends."""
    came: list[pb.EmbedResponse] = []
    with pytest.raises(grpc.RpcError) as caught:
        came.extend(answers)
    code: grpc.StatusCode = caught.value.code()
    return came, code


def status_of(answers: Iterator[pb.EmbedResponse]) -> grpc.StatusCode:
    came, code = rest(answers)
    assert came == []
    return code


def test_templates_are_those_of_the_bare_engine(service: Service, new_engine: Callable[[], Embedder]) -> None:
    pictures = jpegs(40)
    answers = service.ask(service.crops(*pictures))
    engine = new_engine()
    for number, jpeg in enumerate(pictures):
        assert values(answers[number]) == pytest.approx(bare(engine, jpeg), abs=1e-6)
        assert answers[number].template.embedder.name == engine.model.name
        assert answers[number].template.embedder.sha256 == engine.model.sha256


def test_callers_at_once_get_each_their_own(service: Service, new_engine: Callable[[], Embedder]) -> None:
    asked = [(pictures, service.crops(*pictures)) for pictures in (jpegs(25, seed) for seed in range(6))]
    with ThreadPoolExecutor(6) as callers:
        answered = list(callers.map(lambda one: service.ask(one[1]), asked))
    engine = new_engine()
    for (pictures, requests), answers in zip(asked, answered, strict=True):
        assert set(answers) == {one.crop.request_id for one in requests}
        for jpeg, one in zip(pictures, requests, strict=True):
            assert values(answers[one.crop.request_id]) == pytest.approx(bare(engine, jpeg), abs=1e-6)


def test_refusals_come_between_the_templates_with_their_reasons(service: Service) -> None:
    good, other_camera, too_early, broken = (
        *service.crops(*jpegs(1)),
        *service.crops(*jpegs(1), camera_id="elsewhere"),
        *service.crops(*jpegs(1), starts_at=NOON - timedelta(hours=4)),
        *service.crops(b"no jpeg"),
    )
    missing = pb.EmbedRequest(
        crop=pb.CropReference(request_id=50, crops_key=good.crop.crops_key, offset_bytes=10**6, length_bytes=9)
    )
    foreign = pb.EmbedRequest(
        photo=pb.PhotoReference(request_id=51, photo_key="11111111-2222-4333-8444-555555555555/0.jpg")
    )
    answers = service.ask([other_camera, missing, good, too_early, foreign, broken])
    assert values(answers[good.crop.request_id]).shape == (192,)
    reasons = {number: answer.refusal.reason for number, answer in answers.items() if answer.HasField("refusal")}
    assert reasons == {
        other_camera.crop.request_id: pb.REFUSAL_REASON_OUTSIDE_AUTHORISATION,
        too_early.crop.request_id: pb.REFUSAL_REASON_OUTSIDE_AUTHORISATION,
        51: pb.REFUSAL_REASON_OUTSIDE_AUTHORISATION,
        50: pb.REFUSAL_REASON_NOT_FOUND,
        broken.crop.request_id: pb.REFUSAL_REASON_UNREADABLE,
    }


def test_a_stream_without_questions_ends_well(service: Service) -> None:
    assert service.ask([]) == {}


@pytest.mark.parametrize("what", ["nothing", "a crop first", "opened twice", "an empty request"])
def test_a_stream_that_keeps_no_order_is_an_invalid_argument(service: Service, what: str) -> None:
    requests = {
        "nothing": [],
        "a crop first": service.crops(*jpegs(1)),
        "opened twice": [service.opening(), service.opening()],
        "an empty request": [service.opening(), pb.EmbedRequest()],
    }[what]
    assert status_of(service.stub.Embed(iter(requests), timeout=10)) is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("token", ["", "x", "a.b.c"])
def test_what_is_no_token_is_unauthenticated(service: Service, token: str) -> None:
    opening = pb.EmbedRequest(open=pb.OpenStream(token=token))
    assert status_of(service.stub.Embed(iter([opening]), timeout=10)) is grpc.StatusCode.UNAUTHENTICATED


def test_a_token_by_another_key_is_unauthenticated(service: Service) -> None:
    token = Authority(clock=service.clock).token()
    answers = service.stub.Embed(iter([service.opening(token)]), timeout=10)
    assert status_of(answers) is grpc.StatusCode.UNAUTHENTICATED


def test_an_expired_token_is_denied(service: Service) -> None:
    token = service.authority.token()
    service.clock.move(timedelta(hours=13))
    answers = service.stub.Embed(iter([service.opening(token)]), timeout=10)
    assert status_of(answers) is grpc.StatusCode.PERMISSION_DENIED


def test_an_incident_opens_no_face_search(service: Service) -> None:
    token = service.authority.token(request(purpose=Purpose.INCIDENT, photos=0))
    answers = service.stub.Embed(iter([service.opening(token)]), timeout=10)
    assert status_of(answers) is grpc.StatusCode.PERMISSION_DENIED


def test_a_question_after_the_expiry_is_refused_and_the_stream_closes_by_itself(service: Service) -> None:
    before, after = service.crops(*jpegs(2))
    questions = Questions(service.opening(), before)
    answers = service.stub.Embed(iter(questions), timeout=20)
    assert values(next(answers)).shape == (192,)
    service.clock.move(timedelta(hours=12))
    questions.ask(after)
    # The stream may see the end before the question comes, and then it ends without an answer to it.
    came, code = rest(answers)
    assert [answer.refusal.reason for answer in came] in ([], [pb.REFUSAL_REASON_EXPIRED])
    assert code is grpc.StatusCode.PERMISSION_DENIED
    questions.end()


def test_a_store_that_is_away_ends_the_stream_as_unavailable(service: Service) -> None:
    requests = service.crops(*jpegs(1))
    service.store.available = False
    answers = service.stub.Embed(iter([service.opening(), *requests]), timeout=10)
    assert status_of(answers) is grpc.StatusCode.UNAVAILABLE


def test_open_streams_do_not_hold_up_the_end(service: Service) -> None:
    questions = Questions(service.opening(), *service.crops(*jpegs(1)))
    answers = service.stub.Embed(iter(questions), timeout=20)
    next(answers)
    service.stop.set()
    assert status_of(answers) is grpc.StatusCode.UNAVAILABLE
    questions.end()


def test_a_caller_that_goes_away_leaves_nothing_behind(service: Service) -> None:
    questions = Questions(service.opening(), *service.crops(*jpegs(3)))
    answers = service.stub.Embed(iter(questions), timeout=20)
    next(answers)
    answers.cancel()
    questions.end()
    for _ in range(200):
        if service.registry.get_sample_value("homeward_embedding_streams") == 0:
            break
        threading.Event().wait(0.02)
    assert service.registry.get_sample_value("homeward_embedding_streams") == 0
    for _ in range(200):
        if not [thread for thread in threading.enumerate() if thread.name == "questions"]:
            break
        threading.Event().wait(0.02)
    assert [thread for thread in threading.enumerate() if thread.name == "questions"] == []
