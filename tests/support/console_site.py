"""The console in memory, served on loopback with the headers that it has in earnest."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn

from homeward.access.people.rates import RateLimiter
from homeward.access.web.client import ClientAddress
from homeward.access.web.limits import Limits
from homeward.access.web.security import SecurityHeaders, Shield
from homeward.shared.clock import SystemClock
from support.access_console import Console

_PATIENCE_S: Final = 30.0
_MANY: Final = 1_000_000


@contextmanager
def serving() -> Iterator[tuple[Console, str]]:
    """Serve a console; yield it and its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield from _served(listening)


def _served(listening: socket.socket) -> Iterator[tuple[Console, str]]:
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    shield = Shield(
        SecurityHeaders(address, []),
        public_url=address,
        limits=Limits(body_bytes=1 << 20, upload_bytes=1 << 24),
        address=ClientAddress(0),
        limiter=RateLimiter(SystemClock(), per_minute=_MANY, burst=_MANY),
    )
    console = Console(public_url=address, shield=shield)
    server = uvicorn.Server(uvicorn.Config(console.app, log_config=None, access_log=False, lifespan="off"))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    deadline = time.monotonic() + _PATIENCE_S
    while not server.started:
        assert time.monotonic() < deadline, "the console does not start"
        time.sleep(0.05)
    try:
        yield console, address
    finally:
        server.should_exit = True
        thread.join(_PATIENCE_S)
