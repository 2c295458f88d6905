"""The offsets that are processed and not committed yet."""

from collections.abc import Iterable
from typing import Final, Literal, Protocol

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from homeward.shared.runtime.client import KafkaFailedError, error_of, must_stop
from homeward.shared.runtime.record import FetchedRecord, Partition
from homeward.shared.telemetry.logging import get_logger

_NOT_OURS: Final = frozenset(
    {
        KafkaError.FENCED_INSTANCE_ID,
        KafkaError.FENCED_MEMBER_EPOCH,
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.STALE_MEMBER_EPOCH,
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError._ASSIGNMENT_LOST,  # noqa: SLF001 - librdkafka's name of a public code
    }
)
"""The group went on without us: the record will come again, to us or to somebody else."""

_LATER: Final = frozenset(
    {
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NETWORK_EXCEPTION,
        KafkaError.NOT_COORDINATOR,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001 - as above
        KafkaError._IN_PROGRESS,  # noqa: SLF001 - as above
        KafkaError._TIMED_OUT,  # noqa: SLF001 - as above
        KafkaError._TRANSPORT,  # noqa: SLF001 - as above
        KafkaError._WAIT_COORD,  # noqa: SLF001 - as above
    }
)
"""The coordinator is away for now: the same commit may succeed later."""

_log = get_logger()


class Committer(Protocol):
    """What is asked of a client to commit."""

    def commit(self, *, offsets: list[TopicPartition], asynchronous: Literal[False]) -> list[TopicPartition]:
        """Commit offsets; return them with an error each, or raise."""
        ...


class Offsets:
    """Processed offsets by partition. Commits are synchronous: an offset is forgotten only when the broker has it."""

    def __init__(self, client: Committer) -> None:
        self._client = client
        self._next: dict[Partition, int] = {}

    def __bool__(self) -> bool:
        return bool(self._next)

    def processed(self, record: FetchedRecord) -> None:
        """Note that `record` and everything before it in its partition is processed."""
        self._next[record.partition] = record.offset + 1

    def drop(self, partitions: Iterable[Partition]) -> None:
        """Forget what is not committed of `partitions`."""
        for partition in partitions:
            self._next.pop(partition, None)

    def commit(self) -> None:
        """Commit what is noted; what the broker could not take for now stays noted.

        Blocks until the broker answered or librdkafka gave up. Raises KafkaFailedError when no retry will mend it.
        """
        if not self._next:
            return
        wanted = [TopicPartition(topic, number, offset) for (topic, number), offset in self._next.items()]
        try:
            answered = self._client.commit(offsets=wanted, asynchronous=False)
        except KafkaException as exception:
            error = error_of(exception)
            for partition in list(self._next):
                self._settle(partition, error)
            return
        for one in answered:
            self._settle((one.topic, one.partition), one.error)

    def _settle(self, partition: Partition, error: KafkaError | None) -> None:
        if error is None:
            self._next.pop(partition, None)
            return
        topic, number = partition
        if must_stop(error):
            raise KafkaFailedError(f"{topic}[{number}]: the commit failed: {error.name()}")
        _log.warning("commit failed", topic=topic, partition=number, code=error.name())
        if error.code() in _NOT_OURS:
            self._next.pop(partition, None)
        elif error.code() not in _LATER and not error.retriable():
            raise KafkaFailedError(f"{topic}[{number}]: the commit failed: {error.name()}")
