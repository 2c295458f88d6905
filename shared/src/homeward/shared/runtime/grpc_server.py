"""A gRPC server as a part of a service, with gRPC's own health service."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc  # type: ignore[import-untyped]

from homeward.shared.telemetry.logging import get_logger

_log = get_logger()

_OPTIONS: Final[tuple[tuple[str, int], ...]] = (
    # A second server on the same port would otherwise take half of the calls without a word.
    ("grpc.so_reuseport", 0),
)


class GrpcServer:
    """A part that serves gRPC; made by `serve`."""

    def __init__(
        self,
        server: grpc.Server,
        health_servicer: health.HealthServicer,
        port: int,
        names: Sequence[str],
        drain: timedelta,
    ) -> None:
        self.name = "grpc"
        self.port = port
        self._server = server
        self._health = health_servicer
        self._names = names
        self._drain = drain
        self._serving = threading.Event()

    def ready(self) -> bool:
        """Whether calls are taken."""
        return self._serving.is_set()

    def run(self, stop: threading.Event) -> None:
        """Take calls until `stop` is set; then refuse new ones and let those under way end, for `drain` at most."""
        self._server.start()
        self._tell(health_pb2.HealthCheckResponse.SERVING)
        self._serving.set()
        _log.info("grpc server listens", port=self.port)
        stop.wait()
        self._serving.clear()
        self._health.enter_graceful_shutdown()
        self._server.stop(self._drain.total_seconds()).wait()

    def _tell(self, status: Any) -> None:
        for name in ("", *self._names):
            self._health.set(name, status)


def serve(
    listen: str,
    register: Callable[[grpc.Server], None],
    *,
    services: Sequence[str],
    workers: int = 8,
    drain: timedelta = timedelta(seconds=20),
    interceptors: Sequence[grpc.ServerInterceptor] = (),
    credentials: grpc.ServerCredentials | None = None,
) -> GrpcServer:
    """Return a server bound to `listen`, host:port; port 0 takes a free one, told by `.port`. It serves once run.

    `register` adds the servicers; `services` are their full names, for the health service; `workers` is how many
    calls are served at once, each stream one. Raises OSError when the address cannot be bound.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="grpc")
    server = grpc.server(pool, interceptors=list(interceptors), options=list(_OPTIONS))
    register(server)
    health_servicer = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    try:
        port = server.add_insecure_port(listen) if credentials is None else server.add_secure_port(listen, credentials)
    except RuntimeError as error:
        raise OSError(f"{listen} cannot be listened on") from error
    if port == 0:
        raise OSError(f"{listen} cannot be listened on")
    return GrpcServer(server, health_servicer, port, services, drain)
