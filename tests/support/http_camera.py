"""A camera of our own over HTTP: it sends what a test gives it, over TLS or not, and asks who is there if told to."""

import base64
import hashlib
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

_HOST: Final = "127.0.0.1"
_REALM: Final = "camera"
_NONCE: Final = "5f0c2a9e"
_PAIR: Final = re.compile(r'(\w+)="?([^",]*)"?')

Sender = Callable[[BaseHTTPRequestHandler], None]
"""Writes the whole answer to a request, head and body."""


class Asks(Enum):
    """How a camera asks who is there."""

    BASIC = "Basic"
    DIGEST = "Digest"


@contextmanager
def served(
    send: Sender, *, certificate: Path | None = None, login: str | None = None, asks: Asks = Asks.BASIC
) -> Iterator[str]:
    """Serve meanwhile, and yield the URL.

    With `certificate` (a PEM file with its key) it speaks TLS; with `login`, "user:password", it refuses everybody
    else with 401.
    """

    class Camera(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                if login is None or _knows(self.headers.get("Authorization", ""), login, asks, self.path):
                    send(self)
                else:
                    self._ask()
            except OSError:
                return

        def _ask(self) -> None:
            nonce = f', nonce="{_NONCE}", qop="auth"' if asks is Asks.DIGEST else ""
            self.send_response(401)
            self.send_header("WWW-Authenticate", f'{asks.value} realm="{_REALM}"{nonce}')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing: a viewer that hangs up in the handshake is what these tests are about."""

    server = Server((_HOST, 0), Camera)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        # The handshake is the viewer's own thread's: it begins with the first read.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http{'s' if certificate else ''}://{_HOST}:{server.server_port}/video"
    finally:
        server.shutdown()
        server.server_close()


def _knows(header: str, login: str, asks: Asks, path: str) -> bool:
    """Whether the `Authorization` header is that of `login` (RFC 7617; RFC 7616 with MD5)."""
    scheme, _, rest = header.partition(" ")
    if scheme != asks.value:
        return False
    if asks is Asks.BASIC:
        return rest == base64.b64encode(login.encode()).decode()
    said = dict(_PAIR.findall(rest))
    user, _, password = login.partition(":")
    secret, wanted = _md5(f"{user}:{_REALM}:{password}"), _md5(f"GET:{path}")
    middle = f"{_NONCE}:{said.get('nc')}:{said.get('cnonce')}:{said.get('qop')}"
    expected = (user, _NONCE, path, _md5(f"{secret}:{middle}:{wanted}"))
    return (said.get("username"), said.get("nonce"), said.get("uri"), said.get("response")) == expected


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
