"""The HTTP server as a part of the service."""

import threading
from datetime import timedelta
from typing import Final

import uvicorn
from fastapi import FastAPI

_POLL_S: Final = 0.1
_HEADERS_BYTES: Final = 32 * 1024
"""Above what the shield lets through, which says why it refuses."""


class WebServer:
    """A part that serves `app`. TLS is the ingress's; only it and loopback may reach the port."""

    def __init__(self, app: FastAPI, host: str, port: int, *, drain: timedelta = timedelta(seconds=15)) -> None:
        self.name = "web"
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            # The caller's address is the ingress's; what it forwards is read where it is trusted.
            proxy_headers=False,
            timeout_graceful_shutdown=int(drain.total_seconds()),
            lifespan="off",
            # By name, or whatever else is installed would be taken; headers are bounded before they are read.
            http="h11",
            h11_max_incomplete_event_size=_HEADERS_BYTES,
            ws="none",
        )
        self._server = uvicorn.Server(config)

    def ready(self) -> bool:
        """Whether requests are taken."""
        return bool(self._server.started) and not self._server.should_exit

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop` is set; then let what is under way end, for `drain` at most."""
        serving = threading.Thread(target=self._server.run, name="uvicorn", daemon=True)
        serving.start()
        while serving.is_alive() and not stop.wait(_POLL_S):
            pass
        self._server.should_exit = True
        serving.join()
