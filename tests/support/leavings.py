"""Everything that a running Homeward has left anywhere, as bytes, for tests that look for what must not be there."""

import http.client
import itertools
from collections.abc import Iterator

from homeward.cli.embedded.ports import LOOPBACK
from homeward.cli.prepare import BUCKETS
from homeward.shared.events import encode
from homeward.shared.topics import TOPICS
from support.pipeline import Pipeline
from support.traces import files_below


def everything(pipeline: Pipeline) -> Iterator[tuple[str, bytes]]:
    """Yield every place with its bytes: files, events, objects and metrics."""
    yield from itertools.chain(on_disk(pipeline), events(pipeline), objects(pipeline), metrics(pipeline))


def on_disk(pipeline: Pipeline) -> Iterator[tuple[str, bytes]]:
    """Yield every file of the data folder: stores, spool, keys, logs and the services' temporary files."""
    yield from files_below(pipeline.stack.folder.root)


def events(pipeline: Pipeline) -> Iterator[tuple[str, bytes]]:
    """Yield every event of every topic, which the broker keeps compressed: its headers, key and value."""
    for topic in TOPICS.values():
        for event in pipeline.operator.log.snapshot(topic):
            record = encode(event)
            headers = b"".join(name.encode() + b"=" + value for name, value in record.headers)
            yield f"event {event.event_id} on {topic.name}", headers + record.key + (record.value or b"")


def objects(pipeline: Pipeline) -> Iterator[tuple[str, bytes]]:
    """Yield every object of every bucket of ours, with its key and its metadata."""
    store = pipeline.operator.store
    for bucket in BUCKETS:
        for listed in store.list(bucket):
            info = store.stat(bucket, listed.key)
            yield f"object {bucket}/{listed.key}", store.get(bucket, listed.key) + repr(info).encode()


def metrics(pipeline: Pipeline) -> Iterator[tuple[str, bytes]]:
    """Yield what each service tells of itself."""
    for service, port in pipeline.stack.ports.operations.items():
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
        try:
            connection.request("GET", "/metrics")
            yield f"metrics of {service}", connection.getresponse().read()
        finally:
            connection.close()
