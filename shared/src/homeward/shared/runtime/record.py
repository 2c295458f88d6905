"""A record as Kafka held it."""

from dataclasses import dataclass
from typing import Protocol

from homeward.shared.events import Headers

Partition = tuple[str, int]
"""A topic's name and the number of one of its partitions."""


@dataclass(frozen=True, slots=True)
class FetchedRecord:
    """One record with its origin. `headers_readable` is False when the client could not make text of their names."""

    partition: Partition
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    headers_readable: bool = True


class Fetched(Protocol):
    """What is needed of confluent-kafka's Message."""

    def topic(self) -> str | None:
        """Return the topic's name."""
        ...

    def partition(self) -> int | None:
        """Return the partition."""
        ...

    def offset(self) -> int | None:
        """Return the offset."""
        ...

    def key(self) -> bytes | None:
        """Return the key."""
        ...

    def value(self) -> bytes | None:
        """Return the value; None is a removal."""
        ...

    def headers(self) -> object:
        """Return the headers as pairs of name and bytes."""
        ...


def record_of(message: Fetched) -> FetchedRecord:
    """Return a fetched message, without an error, as a record."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    if topic is None or partition is None or offset is None:
        raise ValueError("the message has no origin")
    try:
        headers = _headers_of(message)
        readable = True
    except UnicodeDecodeError:
        # A header's name that is not UTF-8 makes the record unreadable for the client library, not undeliverable.
        headers, readable = [], False
    return FetchedRecord((topic, partition), offset, message.key(), message.value(), headers, readable)


def _headers_of(message: Fetched) -> list[tuple[str, bytes | None]]:
    pairs = message.headers()
    if pairs is None:
        return []
    if not isinstance(pairs, list):
        raise TypeError("headers of a fetched message are a list of pairs")
    return [(str(name), value) for name, value in pairs]
