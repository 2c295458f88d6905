"""/healthz, /readyz and /metrics over HTTP, for the machine that runs the service."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from homeward.shared.runtime.part import Part
from homeward.shared.settings import OperationsSettings

_IDLE_S: Final = 10.0
"""How long a connection may say nothing, so that idle ones cannot hold threads for ever."""


class OperationsServer:
    """The service's operations port. It listens from construction on and answers from `start` on.

    /healthz answers 200 as long as the process can answer. /readyz answers 200 when every part is ready, otherwise
    503, with `{"ready": ..., "parts": {name: ready}}` either way; while the service stops it is 503.
    """

    def __init__(
        self,
        settings: OperationsSettings,
        *,
        registry: CollectorRegistry,
        ready: Callable[[], bool] | None = None,
    ) -> None:
        """`ready` is a condition beside the parts' own. Raises OSError when the port is taken."""
        self._registry = registry
        self._ready = ready
        self._parts: Sequence[Part] = ()
        self._stopping = False
        self._server = _Server((settings.host, settings.port), self)
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port listened on."""
        return int(self._server.server_address[1])

    def start(self, parts: Sequence[Part] = ()) -> None:
        """Answer from now on, on a thread of its own; `parts` are those that /readyz names."""
        self._parts = parts
        self._thread = threading.Thread(target=self._server.serve_forever, name="operations", daemon=True)
        self._thread.start()

    def stopping(self) -> None:
        """Be not ready from now on: no new work shall come."""
        self._stopping = True

    def close(self) -> None:
        """Stop answering and free the port."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def readiness(self) -> Mapping[str, bool]:
        """Return whether each part is ready, and "service" for what is asked beside the parts."""
        service = not self._stopping and (self._ready is None or self._ready())
        return {"service": service, **{part.name: part.ready() for part in self._parts}}

    def answer(self, path: str) -> tuple[HTTPStatus, str, bytes]:
        """Return status, content type and body for a GET of `path`."""
        match path.partition("?")[0]:
            case "/healthz":
                return HTTPStatus.OK, "text/plain; charset=utf-8", b"ok\n"
            case "/readyz":
                parts = self.readiness()
                ready = all(parts.values())
                body = json.dumps({"ready": ready, "parts": parts}, sort_keys=True).encode()
                return HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE, "application/json", body + b"\n"
            case "/metrics":
                return HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(self._registry)
            case _:
                return HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", b"/healthz, /readyz and /metrics\n"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], operations: OperationsServer) -> None:
        self.operations = operations
        super().__init__(address, _Requests)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a caller that hung up is no news, and the library would print its address and a traceback."""


class _Requests(BaseHTTPRequestHandler):
    server: _Server
    timeout = _IDLE_S
    server_version = "homeward"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer one request."""
        status, content_type, body = self.server.operations.answer(self.path)
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep probes out of the log."""
