"""The composition root of embedding."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
from prometheus_client import CollectorRegistry

from homeward.embedding.adapters.blazeface_finder import BlazeFaceFinder
from homeward.embedding.adapters.grpc_service import SERVICE, EmbeddingServicer
from homeward.embedding.adapters.litert_embedder import LiteRtEmbedder
from homeward.embedding.adapters.onnx_embedder import OnnxEmbedder, OnnxInput
from homeward.embedding.answers import EmbedderModel, EngineError
from homeward.embedding.dispatcher import Dispatcher
from homeward.embedding.handler import EmbeddingHandler, Limits
from homeward.embedding.metrics import EmbeddingMetrics
from homeward.embedding.ports import Embedder
from homeward.embedding.settings import EmbeddingSettings, OnnxSettings
from homeward.shared.authorisation import KeysFile, Verifier
from homeward.shared.clock import SystemClock
from homeward.shared.models.library import ModelLibrary, read_verified
from homeward.shared.objectstore.minio_store import MinioStore
from homeward.shared.runtime.cores import forbid_cores
from homeward.shared.runtime.grpc_server import serve
from homeward.shared.runtime.operations import OperationsServer
from homeward.shared.runtime.peers import AllowedPeers, server_credentials
from homeward.shared.runtime.service import run_service
from homeward.shared.telemetry.logging import DroppedFields, configure_logging, get_logger
from homewardapi.embedding.v1.embedding_service_pb2_grpc import add_EmbeddingServiceServicer_to_server

EMBEDDER = "mobilefacenet"
FINDER = "blazeface-full-range"


def run(settings: EmbeddingSettings) -> int:
    """Run embedding until a signal; return the exit status."""
    forbid_cores()
    registry = CollectorRegistry()
    configure_logging(settings.log, "embedding", dropped=DroppedFields(registry))
    clock = SystemClock()
    metrics = EmbeddingMetrics(registry)
    # The engines are as many as the cores; OpenCV's own threads would fight them.
    cv2.setNumThreads(1)

    library = ModelLibrary(settings.models_folder)
    new_engine = engine_maker(settings.onnx, library, settings.litert_delegate)
    dispatcher = Dispatcher(
        [new_engine() for _ in range(settings.engines)],
        clock=clock,
        metrics=metrics,
        batch_max=settings.batch_max,
        wait_s=settings.batch_wait_ms / 1000,
    )
    handler = EmbeddingHandler(
        verifier=Verifier(KeysFile(settings.authorisation_keys, clock), clock),
        objects=MinioStore(settings.object_store),
        templates=dispatcher,
        finder=BlazeFaceFinder(library.read(FINDER)),
        metrics=metrics,
        limits=Limits(photo_bytes=settings.photo_bytes_max, photo_pixels=settings.photo_pixels_max),
    )
    readers = ThreadPoolExecutor(settings.readers, thread_name_prefix="reader")
    servicer = EmbeddingServicer(
        handler, readers, metrics=metrics, stopping=lambda: not dispatcher.ready(), in_flight=settings.in_flight_max
    )
    server = serve(
        settings.grpc_listen,
        lambda grpc_server: add_EmbeddingServiceServicer_to_server(servicer, grpc_server),
        services=[SERVICE],
        workers=settings.streams_max,
        # Templates go to matching, and nowhere else.
        interceptors=[AllowedPeers({f"/{SERVICE}/Embed": ["matching"]}, settings.grpc_tls)],
        credentials=server_credentials(settings.grpc_tls, settings.grpc_listen),
    )
    get_logger().info("embedder loaded", model=dispatcher.model.name, model_sha256=dispatcher.model.sha256)
    return run_service(
        [dispatcher, server],
        operations=OperationsServer(settings.operations, registry=registry),
        clock=clock,
        closing=[lambda: readers.shutdown(wait=False, cancel_futures=True)],
    )


def engine_maker(onnx: OnnxSettings, library: ModelLibrary, delegate: Path | None = None) -> Callable[[], Embedder]:
    """Return what makes one engine: the operator's ONNX model where one is named, MobileFaceNet otherwise.

    Raises ModelMissingError, ModelHashError, EngineError; the engines share the one copy of the file.
    """
    if onnx.path is not None and onnx.sha256 is not None and onnx.name is not None:
        own = EmbedderModel(onnx.name, onnx.sha256)
        try:
            own_data = read_verified(onnx.name, onnx.path, onnx.sha256)
        except OSError as error:
            raise EngineError(f"{onnx.path} cannot be read: put the ONNX file of {onnx.name} there") from error
        given = OnnxInput(onnx.mean, onnx.scale, onnx.mirror)
        return lambda: OnnxEmbedder(own_data, own, given, onnx.provider)
    model = EmbedderModel(EMBEDDER, library.manifest.model(EMBEDDER).sha256)
    data = library.read(EMBEDDER)
    return lambda: LiteRtEmbedder(data, model, delegate)
