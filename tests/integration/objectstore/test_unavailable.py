"""A store that cannot be reached, answers with errors or stops in the middle of an answer."""

import io
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr

from homeward.cli.embedded.ports import free_ports
from homeward.shared.objectstore.minio_store import MinioStore
from homeward.shared.objectstore.port import (
    ObjectLockedError,
    ObjectNotFoundError,
    ObjectStore,
    ObjectStoreError,
    ObjectStoreUnavailableError,
)
from homeward.shared.settings import ObjectStoreSettings
from support.object_stores import Subject

CALLS: dict[str, Callable[[ObjectStore], object]] = {
    "put": lambda store: store.put("footage", "key", b"data"),
    "get": lambda store: store.get("footage", "key"),
    "get_range": lambda store: store.get_range("footage", "key", 0, 1),
    "download": lambda store: store.download("footage", "key", io.BytesIO()),
    "stat": lambda store: store.stat("footage", "key"),
    "list": lambda store: list(store.list("footage")),
    "list_prefixes": lambda store: list(store.list_prefixes("footage")),
    "copy": lambda store: store.copy("footage", "key", "evidence", "key"),
    "delete": lambda store: store.delete("footage", "key"),
    "delete_many": lambda store: store.delete_many("footage", ["key"]),
    "tags": lambda store: store.tags("footage", "key"),
    "set_tags": lambda store: store.set_tags("footage", "key", {"hold": "1"}),
    "ensure_bucket": lambda store: store.ensure_bucket("footage"),
    "set_lifecycle": lambda store: store.set_lifecycle("footage", []),
    "lifecycle": lambda store: store.lifecycle("footage"),
    "ping": lambda store: store.ping(),
}

Answer = Callable[[BaseHTTPRequestHandler, int], None]


def store_at(port: int, secret_key: str = "secret-key") -> MinioStore:  # noqa: S107 - no server knows it
    return MinioStore(
        ObjectStoreSettings(
            endpoint=f"127.0.0.1:{port}",
            access_key=SecretStr("access-key"),
            secret_key=SecretStr(secret_key),
            secure=False,
        )
    )


class ScriptedServer:
    """An HTTP server that answers the n-th request as `answer` says."""

    def __init__(self, answer: Answer) -> None:
        self.requests = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # the name is the library's
                outer.requests += 1
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                answer(self, outer.requests)

            do_PUT = do_POST = do_HEAD = do_DELETE = do_GET  # noqa: N815 - the names are the library's

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
                del format, args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def scripted() -> Iterator[Callable[[Answer], ScriptedServer]]:
    servers: list[ScriptedServer] = []

    def start(answer: Answer) -> ScriptedServer:
        servers.append(ScriptedServer(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def status(code: int) -> Answer:
    def answer(handler: BaseHTTPRequestHandler, _: int) -> None:
        handler.send_response(code)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def deletion(code: int, refusal: str = "") -> Answer:
    """Return the answer of a bucket without versions to whose deletions the server says `code` and `refusal`."""

    def answer(handler: BaseHTTPRequestHandler, _: int) -> None:
        asked = handler.command == "GET"
        refused = f"<Error><Key>key</Key><Code>{refusal}</Code></Error>" if refusal else ""
        body = "<VersioningConfiguration/>" if asked else f"<DeleteResult>{refused}</DeleteResult>"
        handler.send_response(200 if asked else code)
        handler.send_header("Content-Type", "application/xml")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body.encode())

    return answer


def cut_until(whole_from: int) -> Answer:
    """Return the answer that ends after half of its body, until the request `whole_from`."""

    def answer(handler: BaseHTTPRequestHandler, request: int) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "8")
        handler.send_header("Last-Modified", "Mon, 23 Nov 2026 20:50:00 GMT")
        handler.end_headers()
        handler.wfile.write(b"whole..." if request >= whole_from else b"whol")
        handler.close_connection = True

    return answer


@pytest.mark.parametrize("call", CALLS)
def test_an_unreachable_store_is_known_of_soon(call: str) -> None:
    (nobody,) = free_ports(1)
    begun = time.monotonic()
    with pytest.raises(ObjectStoreUnavailableError):
        CALLS[call](store_at(nobody))
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("call", CALLS)
def test_the_store_in_memory_can_be_unreachable_too(call: str, memory_subject: Subject) -> None:
    store = memory_subject.store
    store.available = False  # type: ignore[attr-defined] # the one in memory has it
    with pytest.raises(ObjectStoreUnavailableError):
        CALLS[call](store)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("code", [500, 503])
def test_an_overloaded_store_is_asked_three_times(
    call: str, code: int, scripted: Callable[[Answer], ScriptedServer]
) -> None:
    server = scripted(status(code))
    with pytest.raises(ObjectStoreUnavailableError):
        CALLS[call](store_at(server.port))
    assert server.requests == 3


@pytest.mark.parametrize("code", [400, 403, 501])
def test_a_refusal_is_not_repeated(code: int, scripted: Callable[[Answer], ScriptedServer]) -> None:
    server = scripted(status(code))
    with pytest.raises(ObjectStoreError) as caught:
        store_at(server.port).get("footage", "key")
    assert not isinstance(caught.value, ObjectStoreUnavailableError | ObjectNotFoundError)
    assert server.requests == 1


def test_a_batch_of_deletions_is_repeated_too(scripted: Callable[[Answer], ScriptedServer]) -> None:
    server = scripted(deletion(503))
    with pytest.raises(ObjectStoreUnavailableError):
        store_at(server.port).delete_many("footage", ["key", "other"])
    assert server.requests == 1 + 3


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        ("AccessDenied", ObjectStoreError),
        ("SlowDown", ObjectStoreUnavailableError),
        ("ObjectLocked", ObjectLockedError),
    ],
)
def test_one_refused_deletion_of_a_batch_is_an_error(
    refusal: str, expected: type[ObjectStoreError], scripted: Callable[[Answer], ScriptedServer]
) -> None:
    with pytest.raises(ObjectStoreError) as caught:
        store_at(scripted(deletion(200, refusal)).port).delete_many("footage", ["key", "other"])
    assert type(caught.value) is expected


def test_a_batch_that_the_server_confirms_is_counted(scripted: Callable[[Answer], ScriptedServer]) -> None:
    store = store_at(scripted(deletion(200)).port)
    assert store.delete_many("footage", (f"key-{index}" for index in range(2500))) == 2500


def test_a_cut_answer_is_read_again(scripted: Callable[[Answer], ScriptedServer]) -> None:
    server = scripted(cut_until(3))
    assert store_at(server.port).get("footage", "key") == b"whole..."
    assert server.requests == 3


def test_an_answer_that_is_always_cut_is_never_taken_for_the_object(
    scripted: Callable[[Answer], ScriptedServer],
) -> None:
    server = scripted(cut_until(100))
    store = store_at(server.port)
    with pytest.raises(ObjectStoreUnavailableError):
        store.get("footage", "key")
    assert server.requests == 3
    with pytest.raises(ObjectStoreUnavailableError):
        store.download("footage", "key", io.BytesIO())


def test_a_full_disk_is_not_the_store_s_fault(scripted: Callable[[Answer], ScriptedServer]) -> None:
    store = store_at(scripted(cut_until(1)).port)
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(OSError, match="No space left"):
        store.download("footage", "key", full)


def test_a_wrong_key_is_refused_at_once(seaweedfs_subject: Subject) -> None:
    endpoint = seaweedfs_subject.store._client._base_url.host  # type: ignore[attr-defined] # of the adapter
    with pytest.raises(ObjectStoreError) as caught:
        store_at(int(endpoint.rpartition(":")[2])).ping()
    assert not isinstance(caught.value, ObjectStoreUnavailableError)
    assert "secret-key" not in str(caught.value)
