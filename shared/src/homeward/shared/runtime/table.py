"""A compacted topic as a table: the whole of it from the beginning, then every change."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, Protocol

from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Consumer as KafkaConsumer
from google.protobuf.message import Message

from homeward.shared.clock import Clock, SystemClock
from homeward.shared.events import InvalidEventError, decode
from homeward.shared.runtime.client import KafkaFailedError, Troubles, error_of, must_stop, reader_config
from homeward.shared.runtime.record import record_of
from homeward.shared.settings import KafkaSettings
from homeward.shared.telemetry.logging import get_logger
from homeward.shared.telemetry.metrics import RuntimeMetrics
from homeward.shared.topics import Topic

OnChange = Callable[[str, Message | None], None]

_POLL_S: Final = 0.2
_METADATA_S: Final = 10.0
_AGAIN_S: Final = 1.0

_log = get_logger()


class ReaderClient(Protocol):
    """What is asked of confluent-kafka's Consumer to read without a group."""

    def assign(self, partitions: list[TopicPartition], /) -> None:
        """Read from the given offsets."""
        ...

    def poll(self, timeout: float, /) -> Any:
        """Return the next message."""
        ...

    def list_topics(self, topic: str, /, timeout: float) -> Any:
        """Return what the broker knows of a topic."""
        ...

    def close(self) -> None:
        """Disconnect."""
        ...


def connect_reader(config: dict[str, Any]) -> ReaderClient:
    """Return confluent-kafka's Consumer."""
    return KafkaConsumer(config)


class TableReader:
    """A part that reads a compacted topic from the beginning and follows it, without a group and without commits.

    `on_change(key, message)` is called on the reader's thread for each state of a key, in the order of its partition,
    with None where the key was removed. The last call for a key is its state; earlier ones come too, since compaction
    is lazy. An error that it raises stops the service. A record that cannot be read is logged, counted and passed
    over: the key keeps the state it had. When a broker has lost its log, the states come again from its beginning.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        topic: Topic,
        on_change: OnChange,
        *,
        metrics: RuntimeMetrics | None = None,
        clock: Clock | None = None,
        client_id: str = "homeward-table",
        connect: Callable[[dict[str, Any]], ReaderClient] = connect_reader,
    ) -> None:
        """Raises ValueError for a topic that is not compacted, whose beginning is not the whole of it."""
        if not topic.compacted:
            raise ValueError(f"{topic.name} is not compacted: it has no table")
        self.name = f"table {topic.name}"
        self._topic = topic
        self._on_change = on_change
        self._metrics = metrics
        self._troubles = Troubles(topic.name, clock or SystemClock())
        self._connect = connect
        self._config = reader_config(kafka, client_id) | {"error_cb": self._on_error}
        self._behind: set[int] = set()
        self._caught_up = threading.Event()
        self._failure: KafkaFailedError | None = None

    def ready(self) -> bool:
        """Whether the table has been read to its end once."""
        return self._caught_up.is_set()

    def caught_up(self, timeout: timedelta) -> bool:
        """Block until the table has been read once to what was its end then; return False after `timeout`."""
        return self._caught_up.wait(timeout.total_seconds())

    def run(self, stop: threading.Event) -> None:
        """Read until `stop` is set. Raises KafkaFailedError, and whatever `on_change` raises."""
        client = self._connect(self._config)
        try:
            if not self._assign(client, stop):
                return
            while not stop.is_set():
                if self._failure is not None:
                    raise self._failure
                self._turn(client)
        finally:
            client.close()

    def _assign(self, client: ReaderClient, stop: threading.Event) -> bool:
        """Assign every partition; return False when `stop` was set before the topic was there."""
        while not stop.is_set():
            if numbers := partitions_of(client, self._topic.name):
                self._behind = set(numbers)
                client.assign([TopicPartition(self._topic.name, number, OFFSET_BEGINNING) for number in numbers])
                return True
            _log.warning("topic is not there yet", topic=self._topic.name)
            stop.wait(_AGAIN_S)
        return False

    def _turn(self, client: ReaderClient) -> None:
        message = client.poll(_POLL_S)
        if message is None:
            return
        error = message.error()
        if error is None:
            self._apply(message)
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's name of a public code
            self._reached_end(message.partition())
        elif must_stop(error):
            raise KafkaFailedError(f"{self._topic.name}: {error.name()}")
        else:
            self._troubles.tell(error)

    def _apply(self, message: Any) -> None:
        record = record_of(message)
        try:
            event = decode(self._topic, record.key, record.value, record.headers)
        except InvalidEventError as error:
            if self._metrics is not None:
                self._metrics.passed_over(self._topic.name)
            _log.error(
                "table passes over a record",
                topic=self._topic.name,
                partition=record.partition[1],
                offset=record.offset,
                error=error,
            )
            return
        self._on_change(event.key, event.message)

    def _reached_end(self, partition: int) -> None:
        self._behind.discard(partition)
        if not self._behind and not self._caught_up.is_set():
            self._caught_up.set()
            _log.info("table is read", topic=self._topic.name)

    def _on_error(self, error: KafkaError) -> None:
        if must_stop(error):
            self._failure = KafkaFailedError(f"{self._topic.name}: {error.name()}")
        else:
            self._troubles.tell(error)


def partitions_of(client: ReaderClient, topic: str) -> list[int]:
    """Return the numbers of a topic's partitions; empty where the topic or the broker is not there."""
    try:
        known = client.list_topics(topic, timeout=_METADATA_S).topics.get(topic)
    except KafkaException as exception:
        error = error_of(exception)
        if must_stop(error):
            raise KafkaFailedError(f"{topic}: {error.name()}") from exception
        return []
    return [] if known is None or known.error is not None else sorted(known.partitions)
