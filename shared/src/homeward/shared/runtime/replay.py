"""The log as an archive: which offsets a span of time has, and the events between two offsets."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from confluent_kafka import Consumer as KafkaConsumer
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from homeward.shared.clock import Clock, SystemClock
from homeward.shared.events import Event, InvalidEventError, decode
from homeward.shared.instants import require_aware
from homeward.shared.runtime.client import Troubles, must_stop, reader_config
from homeward.shared.runtime.deadline import Deadline
from homeward.shared.runtime.partitioner import partition_of
from homeward.shared.runtime.record import record_of
from homeward.shared.runtime.table import partitions_of
from homeward.shared.settings import KafkaSettings
from homeward.shared.telemetry.logging import get_logger
from homeward.shared.telemetry.metrics import RuntimeMetrics
from homeward.shared.topics import Topic

CLOCK_SKEW: Final = timedelta(minutes=1)
"""How far the clocks of two publishers may differ: a span reaches that much further on both sides."""

_FETCH_WAIT_MS: Final = 10
"""A replay reads what is there already; waiting at the end for more would only slow each look at an offset."""

_POLL_S: Final = 0.5
_QUERY_S: Final = 10.0

_log = get_logger()


class LogReadError(Exception):
    """The log could not be read now, or ends before the offset asked for; it names topic and partition."""


@dataclass(frozen=True, slots=True)
class _Probe:
    """What stands at an offset or after it: `offset` and `at_ms` of the record, or None of both at the end.

    `end_offset` is the offset that the next record written will have, as this fetch told it.
    """

    offset: int | None
    at_ms: int | None
    end_offset: int


class LogReader:
    """Reads any topic by offsets, without a group and without commits. Safe to use from several threads.

    Every call that reads opens a client of its own and closes it at the end, so two reads never move each other.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        *,
        metrics: RuntimeMetrics | None = None,
        clock: Clock | None = None,
        patience: timedelta = timedelta(seconds=30),
        client_id: str = "homeward-replay",
        connect: Callable[[dict[str, Any]], KafkaConsumer] = KafkaConsumer,
    ) -> None:
        """`patience` is how long a broker may say nothing before LogReadError."""
        self._metrics = metrics
        self._clock = clock or SystemClock()
        self._patience = patience
        self._troubles = Troubles(client_id, self._clock)
        self._connect = connect
        self._config = reader_config(kafka, client_id) | {
            "fetch.wait.max.ms": _FETCH_WAIT_MS,
            "error_cb": self._troubles.tell,
        }

    def partitions(self, topic: Topic) -> list[int]:
        """Return the numbers of the topic's partitions. Raises LogReadError when the topic is not there."""
        with self._client() as client:
            numbers = partitions_of(client, topic.name)
        if not numbers:
            raise LogReadError(f"{topic.name}: the topic is not there, or no broker answers")
        return numbers

    def partition_of(self, topic: Topic, key: str) -> int:
        """Return the partition in which the events of `key` are. Raises LogReadError when the topic is not there."""
        return partition_of(key, len(self.partitions(topic)))

    def span(self, topic: Topic, partition: int, since: datetime, until: datetime) -> tuple[int, int]:
        """Return the first offset and the end offset (exclusive) of what was published in [since, until).

        Every record with a time stamp in the window is inside, though publishers' clocks differ by CLOCK_SKEW; some
        around it may be too, so the reader filters by the event's own time. The time stamp is when the record was
        published, never before what it tells of and, after an outage or an import, long after: to see all that is
        known of a window, pass the present as `until`. Equal offsets are an empty span. Raises LogReadError.
        """
        first_ms = _milliseconds(since - CLOCK_SKEW)
        end_ms = _milliseconds(until + CLOCK_SKEW)
        with self._client() as client:
            # Where retention took offset 0, the client goes on at the earliest. Asking for the beginning by name would
            # wait half a second for a leader that the first fetch finds anyway.
            begin = self._probe(client, topic.name, partition, 0)
            if begin.offset is None:
                return begin.end_offset, begin.end_offset
            first = self._offset_at(client, TopicPartition(topic.name, partition), begin, first_ms)
            end = self._offset_at(client, TopicPartition(topic.name, partition), begin, end_ms)
        return first, max(first, end)

    def read(
        self,
        topic: Topic,
        partition: int,
        first_offset: int,
        end_offset: int,
        *,
        keys: Collection[str] | None = None,
    ) -> Iterator[Event]:
        """Yield the events from `first_offset` up to and without `end_offset`, in order; of `keys` alone where given.

        A record that cannot be decoded is logged, counted and passed over; one that retention or compaction took is
        not there. Raises LogReadError when the broker is silent for too long, or when the log ends before the end
        offset, so that a replay is never taken for complete when it is not.
        """
        for _, event in self.stretch(topic, partition, first_offset, end_offset, keys=keys):
            yield event

    def stretch(
        self,
        topic: Topic,
        partition: int,
        first_offset: int,
        end_offset: int,
        *,
        keys: Collection[str] | None = None,
    ) -> Iterator[tuple[int, Event]]:
        """Yield what `read` yields, each event after its offset, for whoever goes on elsewhere; raises as it does."""
        if first_offset >= end_offset:
            return
        wanted = None if keys is None else frozenset(key.encode() for key in keys)
        with self._client() as client:
            client.assign([TopicPartition(topic.name, partition, first_offset)])
            while True:
                message = self._next(client, topic.name, partition)
                position = message.offset()
                if message.error() is not None:
                    if position is None or position < end_offset:
                        raise LogReadError(f"{topic.name}[{partition}]: the log ends before offset {end_offset}")
                    return
                if position >= end_offset:
                    return
                # To decode a record costs many times what it costs to fetch one.
                if (wanted is None or message.key() in wanted) and (event := self._decode(topic, message)) is not None:
                    yield position, event
                if position == end_offset - 1:
                    return

    def close(self) -> None:
        """Do nothing more: every read has closed its own client. For symmetry with the other clients."""

    @contextmanager
    def _client(self) -> Iterator[KafkaConsumer]:
        client = self._connect(dict(self._config))
        try:
            yield client
        finally:
            client.close()

    def _decode(self, topic: Topic, message: Any) -> Event | None:
        record = record_of(message)
        try:
            return decode(topic, record.key, record.value, record.headers)
        except InvalidEventError as error:
            if self._metrics is not None:
                self._metrics.passed_over(topic.name)
            _log.warning(
                "replay passes over a record",
                topic=topic.name,
                partition=record.partition[1],
                offset=record.offset,
                error=error,
            )
            return None

    def _offset_at(self, client: KafkaConsumer, where: TopicPartition, begin: _Probe, at_ms: int) -> int:
        """Return the first offset whose record is not older than `at_ms`; the end of the log where there is none.

        The broker's own index is believed only when the record there bears it out: Tansu answers 0 for any time.
        """
        low, end = begin.offset or 0, begin.end_offset
        if begin.at_ms is not None and begin.at_ms >= at_ms:
            return low
        last = self._probe(client, where.topic, where.partition, end - 1)
        if last.at_ms is not None and last.at_ms < at_ms:
            return end
        answered = self._ask(client, where, at_ms)
        if answered is not None and low < answered < end:
            at = self._probe(client, where.topic, where.partition, answered)
            before = self._probe(client, where.topic, where.partition, answered - 1)
            if at.at_ms is not None and at.at_ms >= at_ms and (before.at_ms is None or before.at_ms < at_ms):
                return answered
        # Halve the log instead: `low` is older than wanted, `end` is not.
        while end - low > 1:
            middle = (low + end) // 2
            probe = self._probe(client, where.topic, where.partition, middle)
            if probe.offset is None or probe.offset >= end:
                end = middle
            elif probe.at_ms is not None and probe.at_ms < at_ms:
                low = probe.offset
            else:
                end = middle
        return end

    def _ask(self, client: KafkaConsumer, where: TopicPartition, at_ms: int) -> int | None:
        try:
            answers = client.offsets_for_times([TopicPartition(where.topic, where.partition, at_ms)], timeout=_QUERY_S)
        except KafkaException:
            return None
        answer = answers[0]
        return answer.offset if answer.error is None and answer.offset >= 0 else None

    def _probe(self, client: KafkaConsumer, topic: str, partition: int, offset: int) -> _Probe:
        """Fetch once at `offset`. The end comes from the fetch too, since not every broker answers ListOffsets."""
        client.assign([TopicPartition(topic, partition, offset)])
        message = self._next(client, topic, partition)
        if message.error() is not None:
            return _Probe(None, None, message.offset())
        _, end_offset = client.get_watermark_offsets(TopicPartition(topic, partition), cached=True)
        return _Probe(message.offset(), message.timestamp()[1], end_offset)

    def _next(self, client: KafkaConsumer, topic: str, partition: int) -> Any:
        """Return the next record, or the message that says that the end of the log is reached."""
        deadline = Deadline(self._clock, self._patience)
        while not deadline.passed():
            message = client.poll(_POLL_S)
            if message is None:
                continue
            error = message.error()
            if error is None or error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - a public code
                return message
            if must_stop(error):
                raise LogReadError(f"{topic}[{partition}]: {error.name()}")
            self._troubles.tell(error)
        raise LogReadError(f"{topic}[{partition}]: no answer within {self._patience.total_seconds():.0f} s")


def _milliseconds(instant: datetime) -> int:
    return int(require_aware(instant).timestamp() * 1000)
