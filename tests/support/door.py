"""A door between a client and a server on loopback that can be shut: nothing passes, and nobody is told."""

import selectors
import socket
import threading
from contextlib import suppress
from typing import Final, Self

_HOST: Final = "127.0.0.1"
_TURN_S: Final = 0.1
_CHUNK_BYTES: Final = 1 << 16


class Door:
    """Carries TCP from `port` to `target` while it is open; a shut one keeps connections, as a dead network would."""

    def __init__(self, port: int, target: int) -> None:
        self._target = target
        self._open = threading.Event()
        self._open.set()
        self._ended = threading.Event()
        self._listener = socket.create_server((_HOST, port))
        self._listener.settimeout(_TURN_S)
        self._threads = [threading.Thread(target=self._listen, daemon=True)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._open.set()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def shut(self) -> None:
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    def _listen(self) -> None:
        while not self._ended.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            thread = threading.Thread(target=self._carry, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _carry(self, client: socket.socket) -> None:
        with (
            client,
            suppress(OSError),
            socket.create_connection((_HOST, self._target)) as server,
            selectors.DefaultSelector() as ready,
        ):
            ready.register(client, selectors.EVENT_READ, server)
            ready.register(server, selectors.EVENT_READ, client)
            while not self._ended.is_set():
                self._open.wait()
                for key, _ in ready.select(_TURN_S):
                    source: socket.socket = key.fileobj  # type: ignore[assignment]  # as it was registered
                    content = source.recv(_CHUNK_BYTES)
                    if not content:
                        return
                    key.data.sendall(content)
