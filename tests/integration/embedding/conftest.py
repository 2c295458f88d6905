"""The service over real gRPC on loopback, with its real models and a store in memory."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import grpc
import pytest
from prometheus_client import CollectorRegistry

from homeward.embedding.adapters.blazeface_finder import BlazeFaceFinder
from homeward.embedding.adapters.grpc_service import SERVICE, EmbeddingServicer
from homeward.embedding.adapters.litert_embedder import LiteRtEmbedder
from homeward.embedding.answers import EmbedderModel
from homeward.embedding.bootstrap import EMBEDDER, FINDER
from homeward.embedding.dispatcher import Dispatcher
from homeward.embedding.handler import EmbeddingHandler
from homeward.embedding.metrics import EmbeddingMetrics
from homeward.embedding.ports import Embedder
from homeward.shared.clock import SystemClock
from homeward.shared.ids import clip_id
from homeward.shared.models.library import ModelLibrary
from homeward.shared.objectkeys import CROPS_BUCKET, SUBJECTS_BUCKET, crops_key
from homeward.shared.objectstore.memory_store import MemoryStore
from homeward.shared.runtime.grpc_server import serve
from homewardapi.embedding.v1 import embedding_service_pb2 as pb
from homewardapi.embedding.v1.embedding_service_pb2_grpc import (
    EmbeddingServiceStub,
    add_EmbeddingServiceServicer_to_server,
)
from support.authorisations import NOON, Authority, MovableClock, request
from support.models import model_folder


@pytest.fixture(scope="session")
def library() -> ModelLibrary:
    return ModelLibrary(model_folder())


@pytest.fixture(scope="session")
def new_engine(library: ModelLibrary) -> Callable[[], Embedder]:
    model = EmbedderModel(EMBEDDER, library.manifest.model(EMBEDDER).sha256)
    data = library.read(EMBEDDER)
    return lambda: LiteRtEmbedder(data, model)


@pytest.fixture(scope="session")
def finder(library: ModelLibrary) -> BlazeFaceFinder:
    return BlazeFaceFinder(library.read(FINDER))


@dataclass
class Service:
    """The running service, its store and the authority that opens it."""

    stub: EmbeddingServiceStub
    store: MemoryStore
    authority: Authority
    stop: threading.Event
    registry: CollectorRegistry
    _crops: int = field(default=0)

    @property
    def clock(self) -> MovableClock:
        return self.authority.clock

    def opening(self, token: str | None = None) -> pb.EmbedRequest:
        return pb.EmbedRequest(open=pb.OpenStream(token=token or self.authority.token()))

    def crops(self, *jpegs: bytes, camera_id: str = "gate", starts_at: datetime | None = None) -> list[pb.EmbedRequest]:
        """Store one clip's crops and return a request for each, numbered on."""
        starts_at = starts_at or NOON + timedelta(seconds=self._crops)
        key = crops_key(camera_id, starts_at, clip_id(camera_id, starts_at))
        self.store.put(CROPS_BUCKET, key, b"".join(jpegs))
        requests, offset = [], 0
        for jpeg in jpegs:
            crop = pb.CropReference(request_id=self._crops, crops_key=key, offset_bytes=offset, length_bytes=len(jpeg))
            requests.append(pb.EmbedRequest(crop=crop))
            offset += len(jpeg)
            self._crops += 1
        return requests

    def photo(self, data: bytes, request_id: int = 1000) -> pb.EmbedRequest:
        key = request().photo_keys[0]
        self.store.put(SUBJECTS_BUCKET, key, data)
        return pb.EmbedRequest(photo=pb.PhotoReference(request_id=request_id, photo_key=key))

    def ask(self, requests: Sequence[pb.EmbedRequest], token: str | None = None) -> dict[int, pb.EmbedResponse]:
        """Ask all of `requests` in one stream and return the answers by request."""
        answers = list(self.stub.Embed(iter([self.opening(token), *requests]), timeout=60))
        assert len({answer.request_id for answer in answers}) == len(answers)
        return {answer.request_id: answer for answer in answers}


@pytest.fixture
def service(new_engine: Callable[[], Embedder], finder: BlazeFaceFinder) -> Iterator[Service]:
    authority = Authority()
    store = MemoryStore(authority.clock)
    store.ensure_bucket(CROPS_BUCKET)
    store.ensure_bucket(SUBJECTS_BUCKET)
    registry = CollectorRegistry()
    metrics = EmbeddingMetrics(registry)
    dispatcher = Dispatcher([new_engine(), new_engine()], clock=SystemClock(), metrics=metrics)
    handler = EmbeddingHandler(
        verifier=authority.verifier, objects=store, templates=dispatcher, finder=finder, metrics=metrics
    )
    readers = ThreadPoolExecutor(8)
    servicer = EmbeddingServicer(
        handler, readers, metrics=metrics, stopping=lambda: not dispatcher.ready(), check_s=0.05
    )
    server = serve(
        "127.0.0.1:0",
        lambda grpc_server: add_EmbeddingServiceServicer_to_server(servicer, grpc_server),
        services=[SERVICE],
    )
    stop = threading.Event()
    parts = [threading.Thread(target=part.run, args=(stop,)) for part in (dispatcher, server)]
    for part in parts:
        part.start()
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        grpc.channel_ready_future(channel).result(10)
        while not dispatcher.ready():
            stop.wait(0.01)
        yield Service(EmbeddingServiceStub(channel), store, authority, stop, registry)
    stop.set()
    for part in parts:
        part.join(10)
        assert not part.is_alive()
    readers.shutdown()
