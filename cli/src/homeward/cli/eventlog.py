"""Reading topics as an onlooker: no group, no commits, so that looking changes nothing."""

import threading
from collections.abc import Iterator, Sequence
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from homeward.shared.events import Event, InvalidEventError, decode
from homeward.shared.runtime.client import error_of, reader_config
from homeward.shared.runtime.record import Partition, record_of
from homeward.shared.settings import KafkaSettings
from homeward.shared.topics import TOPICS, Topic

_POLL_S: Final = 0.2
_METADATA_TIMEOUT_S: Final = 5.0
_CLIENT_ID: Final = "homeward-cli"


class BrokerAwayError(Exception):
    """No broker answers; the text says what to look at."""


class EventLog:
    """The events of topics, in the order of each partition. One instance may be used from several threads.

    Every reading raises BrokerAwayError where no broker answers, at its beginning or on the way.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka

    def snapshot(self, topic: Topic) -> list[Event]:
        """Return every event that `topic` holds now. Records that are none of ours are left out."""
        return [event for partition in self._read_to_end([topic]).values() for event in partition]

    def state(self, topic: Topic) -> dict[str, Event]:
        """Return the last event of each key of a compacted `topic`, without the keys that were removed."""
        latest = {event.key: event for event in self.snapshot(topic)}
        return {key: event for key, event in latest.items() if event.message is not None}

    def follow(self, topics: Sequence[Topic], stop: threading.Event, *, from_start: bool) -> Iterator[Event | None]:
        """Yield the events of `topics` as they come, until `stop` is set; None once in a while when nothing comes.

        Without `from_start`, what stood in the log before the call is passed over.
        """
        consumer, partitions = self._open(topics)
        # Not every broker can say where its log ends; each can say so while it is being read.
        shown = set(partitions) if from_start else set()
        try:
            while not stop.is_set():
                events = []
                for partition, event in consumer.poll():
                    if event is None:
                        shown.add(partition)
                    elif partition in shown:
                        events.append(event)
                if events:
                    yield from events
                else:
                    yield None
        finally:
            consumer.close()

    def _read_to_end(self, topics: Sequence[Topic]) -> dict[Partition, list[Event]]:
        consumer, partitions = self._open(topics)
        events: dict[Partition, list[Event]] = {partition: [] for partition in partitions}
        unread = set(partitions)
        try:
            while unread:
                for partition, event in consumer.poll():
                    if event is None:
                        unread.discard(partition)
                    else:
                        events[partition].append(event)
        finally:
            consumer.close()
        return events

    def _open(self, topics: Sequence[Topic]) -> tuple["_Onlooker", list[Partition]]:
        consumer = _Onlooker(self._kafka)
        try:
            return consumer, consumer.assign(topics)
        except BrokerAwayError:
            consumer.close()
            raise


class _Onlooker:
    """One reading of whole topics from their beginning."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._servers = kafka.bootstrap_servers
        self._away = False
        # What librdkafka would log is said by BrokerAwayError, in one sentence.
        quiet: dict[str, Any] = {"error_cb": self._on_error, "log_level": 0}
        self._client: Any = Consumer(reader_config(kafka, _CLIENT_ID) | quiet)

    def assign(self, topics: Sequence[Topic]) -> list[Partition]:
        """Begin; return the partitions."""
        partitions: list[Partition] = []
        for topic in topics:
            found = self._known(topic.name).topics[topic.name]
            partitions += [(topic.name, number) for number in found.partitions]
        self._client.assign([TopicPartition(name, number, OFFSET_BEGINNING) for name, number in partitions])
        return partitions

    def poll(self) -> Iterator[tuple[Partition, Event | None]]:
        """Yield what came with its partition; None marks the partition's present end."""
        for message in self._client.consume(500, _POLL_S):
            error = message.error()
            if error is not None:
                if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the library's own name of the code
                    yield (message.topic(), message.partition()), None
                continue
            record = record_of(message)
            try:
                yield record.partition, decode(TOPICS[record.partition[0]], record.key, record.value, record.headers)
            except InvalidEventError:
                # An onlooker passes over what the services put into the dead letters.
                continue
        if self._away:
            # A broker that only closed its connections answers again.
            self._known(None)
            self._away = False

    def close(self) -> None:
        """Disconnect."""
        self._client.close()

    def _known(self, topic: str | None) -> Any:
        """Return what the brokers know of `topic`, or of all topics."""
        try:
            if topic is None:
                return self._client.list_topics(timeout=_METADATA_TIMEOUT_S)
            return self._client.list_topics(topic, timeout=_METADATA_TIMEOUT_S)
        except KafkaException as exception:
            raise BrokerAwayError(
                f"no broker answers at {self._servers} ({error_of(exception).name()}); is `homeward up` running?"
            ) from exception

    def _on_error(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 - the library's own name of the code
            self._away = True
