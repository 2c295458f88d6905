"""What the object store suite needs of a store under test, and of a server that it can break."""

import http
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from homeward.shared.clock import Clock
from homeward.shared.objectstore.port import ObjectStore
from homeward.shared.settings import ObjectStoreSettings


@dataclass(frozen=True)
class Subject:
    """A store under test: `fetch` reads a presigned URL, `pass_time` lets seconds go by on `clock`."""

    store: ObjectStore
    clock: Clock
    fetch: Callable[[str], bytes]
    pass_time: Callable[[float], None]


class Server(Protocol):
    """A server of the test's own, which it may kill and start again on the same data and port."""

    @property
    def settings(self) -> ObjectStoreSettings: ...

    def start(self) -> None: ...

    def kill(self) -> None: ...


def fetch_by_http(url: str) -> bytes:
    """Return what is behind `url`; raise PermissionError when the server refuses it."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - a URL that the test has signed
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            if error.code != http.HTTPStatus.FORBIDDEN:
                raise
            raise PermissionError("the server refused the URL") from error


def put_many(store: ObjectStore, bucket: str, keys: Iterable[str]) -> None:
    """Put an empty object under each of `keys`, several at a time."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: store.put(bucket, key, b""), keys))
