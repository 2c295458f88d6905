"""Parts, signals, the operations port and gRPC: a service from its start to its end."""

import http.client
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]
from prometheus_client import CollectorRegistry, Counter

from homeward.cli.embedded.ports import LOOPBACK
from homeward.shared.clock import SystemClock
from homeward.shared.runtime.grpc_server import GrpcServer, serve
from homeward.shared.runtime.operations import OperationsServer
from homeward.shared.runtime.service import run_service
from homeward.shared.settings import OperationsSettings
from support.runtime_scene import await_that

_SERVICE = "homewardapi.test.v1.EchoService"
_ECHO = f"/{_SERVICE}/Echo"


class _Part:
    """Works until it is stopped; `finish` is what it still does then."""

    def __init__(self, name: str = "part", *, finish: Callable[[], None] = lambda: None, ready: bool = True) -> None:
        self.name = name
        self.started = threading.Event()
        self.ended = False
        self.is_ready = ready
        self._finish = finish

    def run(self, stop: threading.Event) -> None:
        self.started.set()
        stop.wait()
        self._finish()
        self.ended = True

    def ready(self) -> bool:
        return self.is_ready


class _Broken(_Part):
    def run(self, stop: threading.Event) -> None:
        del stop
        raise ZeroDivisionError


class _Brief(_Part):
    def run(self, stop: threading.Event) -> None:
        del stop


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def operations(registry: CollectorRegistry) -> Iterator[OperationsServer]:
    operations = OperationsServer(OperationsSettings(port=0), registry=registry)
    yield operations
    operations.close()


def _get(port: int, path: str, method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=10)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def _beside(action: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=action)
    thread.start()
    return thread


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_every_part_then_closes_in_order_with_status_0(
    operations: OperationsServer, number: signal.Signals
) -> None:
    done: list[str] = []
    parts = [_Part("one", finish=lambda: done.append("part")), _Part("two", finish=lambda: done.append("part"))]
    before = signal.getsignal(number)

    def act() -> None:
        assert all(part.started.wait(10) for part in parts)
        os.kill(os.getpid(), number)

    thread = _beside(act)
    closing = [lambda: done.append("producer"), lambda: done.append("store")]
    assert run_service(parts, operations=operations, clock=SystemClock(), closing=closing) == 0
    thread.join()
    assert done == ["part", "part", "producer", "store"]
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("kind", [_Broken, _Brief], ids=["raises", "ends by itself"])
def test_a_part_that_fails_stops_the_others_and_gives_status_1(operations: OperationsServer, kind: type[_Part]) -> None:
    other = _Part("other")
    assert run_service([other, kind("bad")], operations=operations, clock=SystemClock()) == 1
    assert other.ended


def test_a_close_that_fails_gives_status_1_and_keeps_no_other_from_closing(operations: OperationsServer) -> None:
    closed: list[str] = []

    def fail() -> None:
        raise OSError

    part = _Part()

    def act() -> None:
        assert part.started.wait(10)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = _beside(act)
    assert (
        run_service([part], operations=operations, clock=SystemClock(), closing=[fail, lambda: closed.append("b")]) == 1
    )
    thread.join()
    assert closed == ["b"]


def test_parts_that_do_not_drain_share_one_deadline(operations: OperationsServer) -> None:
    """Three stuck parts and a drain of one second: one second, not three."""
    release = threading.Event()
    parts = [_Part(f"stuck-{index}", finish=lambda: _wait(release)) for index in range(3)]

    def act() -> None:
        assert all(part.started.wait(10) for part in parts)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = _beside(act)
    began = time.monotonic()
    assert run_service(parts, operations=operations, clock=SystemClock(), drain=timedelta(seconds=1)) == 1
    assert time.monotonic() - began < 2.5
    release.set()
    thread.join()


def test_a_second_signal_ends_the_wait(operations: OperationsServer) -> None:
    release = threading.Event()
    part = _Part(finish=lambda: _wait(release))

    def act() -> None:
        assert part.started.wait(10)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = _beside(act)
    began = time.monotonic()
    assert run_service([part], operations=operations, clock=SystemClock(), drain=timedelta(seconds=60)) == 1
    assert time.monotonic() - began < 10
    release.set()
    thread.join()


def _wait(event: threading.Event) -> None:
    event.wait(30)


def test_readyz_names_the_parts_that_are_not_ready(operations: OperationsServer) -> None:
    consumer, table = _Part("consumer detection"), _Part("table cameras", ready=False)
    operations.start([consumer, table])
    assert _get(operations.port, "/healthz") == (200, "ok\n")
    status, body = _get(operations.port, "/readyz")
    assert status == 503
    assert json.loads(body) == {
        "ready": False,
        "parts": {"service": True, "consumer detection": True, "table cameras": False},
    }
    table.is_ready = True
    assert _get(operations.port, "/readyz")[0] == 200
    operations.stopping()
    assert _get(operations.port, "/readyz")[0] == 503
    assert _get(operations.port, "/healthz")[0] == 200


def test_a_condition_of_the_service_counts_beside_its_parts() -> None:
    ready = False
    operations = OperationsServer(OperationsSettings(port=0), registry=CollectorRegistry(), ready=lambda: ready)
    operations.start()
    try:
        assert _get(operations.port, "/readyz")[0] == 503
        ready = True
        assert _get(operations.port, "/readyz")[0] == 200
    finally:
        operations.close()


def test_metrics_are_those_of_the_registry_and_nothing_else_is_served(
    operations: OperationsServer, registry: CollectorRegistry
) -> None:
    Counter("homeward_test", "A test's counter.", registry=registry).inc(3)
    operations.start()
    status, body = _get(operations.port, "/metrics")
    assert status == 200
    assert "homeward_test_total 3.0" in body.splitlines()
    assert _get(operations.port, "/metrics?name[]=x")[0] == 200
    assert _get(operations.port, "/")[0] == 404
    assert _get(operations.port, "/healthz", "POST")[0] == 501


def test_a_port_that_is_taken_is_an_error(operations: OperationsServer) -> None:
    with pytest.raises(OSError, match="in use"):
        OperationsServer(OperationsSettings(port=operations.port), registry=CollectorRegistry())


@pytest.fixture
def entered() -> threading.Event:
    return threading.Event()


@pytest.fixture
def leave() -> threading.Event:
    return threading.Event()


@pytest.fixture
def server(entered: threading.Event, leave: threading.Event) -> GrpcServer:
    def echo(request: bytes, _: grpc.ServicerContext) -> bytes:
        entered.set()
        assert leave.wait(20)
        return request

    def register(server: grpc.Server) -> None:
        handlers: dict[str, Any] = {"Echo": grpc.unary_unary_rpc_method_handler(echo)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, handlers),))

    return serve(f"{LOOPBACK}:0", register, services=[_SERVICE], drain=timedelta(seconds=5))


def test_grpc_answers_tells_its_health_and_lets_calls_end(
    server: GrpcServer, entered: threading.Event, leave: threading.Event
) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=server.run, args=(stop,))
    assert not server.ready()
    thread.start()
    await_that(server.ready, 10, "calls are taken")
    with grpc.insecure_channel(f"{LOOPBACK}:{server.port}") as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for name in ("", _SERVICE):
            status = health.Check(health_pb2.HealthCheckRequest(service=name)).status
            assert status == health_pb2.HealthCheckResponse.SERVING
        states = health.Watch(health_pb2.HealthCheckRequest(service=_SERVICE))
        assert next(states).status == health_pb2.HealthCheckResponse.SERVING
        echo: Any = channel.unary_unary(_ECHO)
        call = echo.future(b"hello")
        assert entered.wait(10)
        stop.set()
        assert next(states).status == health_pb2.HealthCheckResponse.NOT_SERVING
        states.cancel()
        assert not server.ready()
        leave.set()
        assert call.result(10) == b"hello"
    thread.join(10)
    assert not thread.is_alive()


def test_grpc_says_when_it_cannot_listen(server: GrpcServer) -> None:
    with pytest.raises(OSError, match="cannot be listened on"):
        serve(f"{LOOPBACK}:{server.port}", lambda _: None, services=[])
