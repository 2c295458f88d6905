"""A server that dies in the middle of a write: what it acknowledged stays, anything else is whole or absent."""

import io
import secrets
import socket
import threading
import time
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from homeward.shared.objectstore.minio_store import MinioStore
from homeward.shared.objectstore.port import ObjectNotFoundError, ObjectStore, ObjectStoreUnavailableError
from support.object_stores import Server

BUCKET = "footage"
KEY = "2026-11-23/cam-1/clip.mp4"
ONE_REQUEST = 8 * 1024 * 1024
MANY_PARTS = 40 * 1024 * 1024


class DeadlyStream(io.BytesIO):
    """A stream that kills the server when it has given `after` bytes."""

    def __init__(self, data: bytes, server: Server, after: int) -> None:
        super().__init__(data)
        self._server = server
        self._after = after

    def read(self, size: int | None = -1, /) -> bytes:
        if 0 <= self._after <= self.tell():
            self._after = -1
            self._server.kill()
        return super().read(size)


@pytest.fixture
def own_store(server: Server) -> ObjectStore:
    store = MinioStore(server.settings)
    store.ensure_bucket(BUCKET)
    return store


def whole_or_absent(store: ObjectStore, *states: bytes | None) -> None:
    """Check that the object is in one of `states`, None for absent, in every way of looking at it."""
    listed = [(found.key, found.size_bytes) for found in store.list(BUCKET)]
    try:
        data = store.get(BUCKET, KEY)
    except ObjectNotFoundError:
        assert None in states
        assert listed == []
        with pytest.raises(ObjectNotFoundError):
            store.stat(BUCKET, KEY)
    else:
        assert data in states
        assert listed == [(KEY, len(data))]
        assert store.stat(BUCKET, KEY).size_bytes == len(data)


def send_half(store: MinioStore, settings_endpoint: str, data: bytes) -> socket.socket:
    """Send the first half of one put's body and return the connection, which waits for the rest."""
    url = urlsplit(store._client.presigned_put_object(BUCKET, KEY, timedelta(minutes=5)))
    host, _, port = settings_endpoint.partition(":")
    connection = socket.create_connection((host, int(port)), timeout=10)
    head = f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: {len(data)}\r\n\r\n"
    connection.sendall(head.encode() + data[: len(data) // 2])
    return connection


@pytest.mark.parametrize("before", [None, b"what was there before"])
def test_a_crash_between_parts_leaves_no_part(server: Server, own_store: ObjectStore, before: bytes | None) -> None:
    if before is not None:
        own_store.put(BUCKET, KEY, before)
    data = secrets.token_bytes(MANY_PARTS)
    begun = time.monotonic()
    with pytest.raises(ObjectStoreUnavailableError):
        own_store.put(BUCKET, KEY, DeadlyStream(data, server, after=MANY_PARTS // 2), size_bytes=len(data))
    assert time.monotonic() - begun < 30
    server.start()
    whole_or_absent(own_store, before)
    own_store.put(BUCKET, KEY, io.BytesIO(data), size_bytes=len(data))
    assert own_store.get(BUCKET, KEY) == data


@pytest.mark.parametrize("before", [None, b"what was there before"])
def test_a_crash_within_a_request_leaves_no_part(server: Server, own_store: MinioStore, before: bytes | None) -> None:
    if before is not None:
        own_store.put(BUCKET, KEY, before)
    data = secrets.token_bytes(ONE_REQUEST)
    with send_half(own_store, server.settings.endpoint, data):
        time.sleep(0.2)  # for the server to take in what was sent
        server.kill()
    server.start()
    whole_or_absent(own_store, before)
    own_store.put(BUCKET, KEY, data)
    assert own_store.get(BUCKET, KEY) == data


def test_a_client_that_vanishes_leaves_no_part(server: Server, own_store: MinioStore) -> None:
    with send_half(own_store, server.settings.endpoint, secrets.token_bytes(ONE_REQUEST)):
        time.sleep(0.2)
    time.sleep(0.2)
    whole_or_absent(own_store, None)


def test_a_crash_at_any_moment_loses_nothing_acknowledged(server: Server, own_store: ObjectStore) -> None:
    old, acknowledged = None, True
    for attempt in range(5):
        data = secrets.token_bytes(ONE_REQUEST)
        killer = threading.Timer(0.01 + attempt * 0.02, server.kill)
        killer.start()
        try:
            own_store.put(BUCKET, KEY, data)
            acknowledged = True
        except ObjectStoreUnavailableError:
            acknowledged = False
        killer.join()
        server.start()
        whole_or_absent(own_store, *([data] if acknowledged else [old, data]))
        own_store.put(BUCKET, KEY, data)
        old = data
    assert own_store.get(BUCKET, KEY) == old
