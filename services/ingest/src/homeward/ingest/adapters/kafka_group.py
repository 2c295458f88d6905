"""Membership of the group that shares the cameras out, by confluent-kafka; it reads no message."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal, Protocol

from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Consumer as KafkaConsumer

from homeward.ingest.sharing.membership import Record, read_record
from homeward.ingest.sharing.tenures import Tenures
from homeward.shared.clock import Clock
from homeward.shared.runtime.client import (
    FETCH_WAIT_MS,
    KafkaFailedError,
    Troubles,
    client_config,
    error_of,
    must_stop,
)
from homeward.shared.runtime.deadline import Deadline
from homeward.shared.settings import KafkaSettings
from homeward.shared.telemetry.logging import get_logger
from homeward.shared.topics import CAMERAS

HEARTBEAT_MS: Final = 300
"""How often a member asks whether the group changes. It learns of its new cameras by the answer, so this is a part of
the time for which a camera that moves is not recorded; three small requests a second cost nothing."""

_TURN_S: Final = 0.05
"""How long the group may wait for its callbacks to be served."""

_COMMIT_EVERY_S: Final = 0.1
"""At most ten commits a second, whatever the number of cameras: each proves all that was spooled before it."""

_SOON_S: Final = 0.1
_LATER_S: Final = 1.0
"""How often records are read: soon after the group changed, and else."""

_READ_TIMEOUT_S: Final = 1.0
_METADATA_TIMEOUT_S: Final = 1.0
_RECONNECT_MS: Final = 1000
"""Most time between attempts to connect; librdkafka's 10 s would keep proofs back after a short outage."""

_LEAST_SOCKET_TIMEOUT_MS: Final = 2000
_DRAIN: Final = timedelta(seconds=8)
_LAST_PROOF: Final = timedelta(seconds=3)

_log = get_logger()


class MembershipClient(Protocol):
    """What is asked of confluent-kafka's Consumer."""

    def subscribe(self, topics: list[str], on_assign: Any = ..., on_revoke: Any = ..., on_lost: Any = ...) -> None:
        """Join the group for `topics`."""
        ...

    def poll(self, timeout: float, /) -> Any:
        """Serve callbacks, and show the broker that the member is alive."""
        ...

    def incremental_assign(self, partitions: list[TopicPartition], /) -> None:
        """Take up partitions."""
        ...

    def pause(self, partitions: list[TopicPartition], /) -> None:
        """Fetch nothing of `partitions`."""
        ...

    def committed(self, partitions: list[TopicPartition], /, timeout: float) -> list[TopicPartition]:
        """Return the committed offsets, with their metadata."""
        ...

    def commit(self, *, offsets: list[TopicPartition], asynchronous: Literal[True]) -> None:
        """Commit offsets; the answer comes to on_commit."""
        ...

    def list_topics(self, topic: str, /, timeout: float) -> Any:
        """Return what the broker knows of a topic."""
        ...

    def close(self) -> None:
        """Leave the group."""
        ...


def connect_member(config: dict[str, Any]) -> MembershipClient:
    """Return confluent-kafka's Consumer."""
    return KafkaConsumer(config)


@dataclass(slots=True)
class _Commit:
    """The one commit under way; `lost` are its partitions that the group took away meanwhile."""

    records: dict[int, Record]
    lost: set[int]


class KafkaGroup:
    """A part that keeps this replica a member of `group` and tells `tenures` what the group says.

    Takings and proofs are commits of the partition's own record. A broker refuses those of a member that it has given
    up, and this thread alone commits and serves the group's callbacks, so that no commit can follow a partition into
    another member's hands. While Kafka is away nothing is proven and nothing is given up.
    """

    name = "membership"

    def __init__(
        self,
        kafka: KafkaSettings,
        group: str,
        tenures: Tenures,
        *,
        clock: Clock,
        recorded: threading.Event,
        connect: Callable[[dict[str, Any]], MembershipClient] = connect_member,
    ) -> None:
        """`recorded` is set when the recorders have ended: what they wrote last is proven before the group is left."""
        self._tenures = tenures
        self._clock = clock
        self._recorded = recorded
        self._connect = connect
        self._troubles = Troubles(self.name, clock)
        session_ms = kafka.session_timeout_s * 1000
        liveness = {
            "session.timeout.ms": session_ms,
            "heartbeat.interval.ms": min(HEARTBEAT_MS, session_ms // 3),
            "socket.timeout.ms": max(session_ms, _LEAST_SOCKET_TIMEOUT_MS),
            "reconnect.backoff.max.ms": _RECONNECT_MS,
            # Partitions are paused before anything is fetched; what slips through is thrown away, so let it be little.
            "queued.min.messages": 1,
            "queued.max.messages.kbytes": 64,
        }
        self._config = client_config(kafka, group, liveness) | {
            "group.id": group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",
            "partition.assignment.strategy": "cooperative-sticky",
            "fetch.wait.max.ms": FETCH_WAIT_MS,
            "on_commit": self._on_commit,
            "error_cb": self._on_error,
        }
        self._failure: KafkaFailedError | None = None
        self._commit: _Commit | None = None
        self._commit_after_s = 0.0
        self._read_after_s = 0.0
        self._counted = False
        self._joined = False

    def ready(self) -> bool:
        """Whether the group has given this replica its partitions, be they none."""
        return self._joined

    def run(self, stop: threading.Event) -> None:
        """Be a member until `stop`, then prove what was recorded last and leave. Raises KafkaFailedError."""
        client = self._connect(self._config)
        try:
            client.subscribe(
                [CAMERAS.name], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
            )
            while not stop.is_set():
                self._turn(client)
            self._leave(client)
        finally:
            client.close()

    def _leave(self, client: MembershipClient) -> None:
        drained = Deadline(self._clock, _DRAIN)
        while not self._recorded.is_set() and not drained.passed():
            self._turn(client)
        proven = Deadline(self._clock, _LAST_PROOF)
        while self._tenures.proofs_wanted() and not proven.passed():
            self._turn(client)

    def _turn(self, client: MembershipClient) -> None:
        self._tenures.wait(_TURN_S)
        self._poll(client, 0)
        now_s = self._clock.monotonic()
        if not self._counted:
            self._count(client)
        if now_s >= self._read_after_s:
            self._read(client, now_s)
        if self._commit is None and self._clock.monotonic() >= self._commit_after_s:
            self._begin_commit(client)
        if self._commit is not None:
            self._poll(client, _TURN_S)

    def _poll(self, client: MembershipClient, timeout_s: float) -> None:
        message = client.poll(timeout_s)
        if self._failure is not None:
            raise self._failure
        if message is None or (error := message.error()) is None:
            return
        if must_stop(error):
            raise KafkaFailedError(f"{self.name}: {error.name()}")
        self._troubles.tell(error)

    def _count(self, client: MembershipClient) -> None:
        """Learn how many partitions there are; the group is of no use before."""
        if not self._joined:
            return
        try:
            known = client.list_topics(CAMERAS.name, timeout=_METADATA_TIMEOUT_S).topics.get(CAMERAS.name)
        except KafkaException as exception:
            self._troubles.tell(error_of(exception))
            return
        if known is not None and known.error is None and known.partitions:
            self._tenures.counted(len(known.partitions))
            self._counted = True

    def _read(self, client: MembershipClient, now_s: float) -> None:
        partitions, soon = self._tenures.to_read()
        if not partitions:
            return
        self._read_after_s = now_s + (_SOON_S if soon else _LATER_S)
        try:
            answered = client.committed(
                [TopicPartition(CAMERAS.name, partition) for partition in partitions], timeout=_READ_TIMEOUT_S
            )
        except KafkaException as exception:
            error = error_of(exception)
            if must_stop(error):
                raise KafkaFailedError(f"{self.name}: {error.name()}") from exception
            self._troubles.tell(error)
            self._read_after_s = self._clock.monotonic() + _LATER_S
            return
        for one in answered:
            if one.error is None:
                self._tenures.read(one.partition, read_record(one.offset, one.metadata))

    def _begin_commit(self, client: MembershipClient) -> None:
        records = self._tenures.to_commit()
        if not records:
            return
        self._commit_after_s = self._clock.monotonic() + _COMMIT_EVERY_S
        self._commit = _Commit(records, set())
        offsets = [
            TopicPartition(CAMERAS.name, partition, record.epoch, record.metadata)
            for partition, record in records.items()
        ]
        try:
            client.commit(offsets=offsets, asynchronous=True)
        except KafkaException as exception:
            self._on_commit(error_of(exception), [])

    # Called back from poll and close.

    def _on_commit(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        commit, self._commit = self._commit, None
        if commit is None:
            return
        failed = {one.partition: one.error for one in partitions if one.error is not None}
        accepted = {
            partition: record
            for partition, record in commit.records.items()
            if error is None and partition not in failed and partition not in commit.lost
        }
        for trouble in [error, *failed.values()]:
            if trouble is not None and must_stop(trouble):
                self._failure = KafkaFailedError(f"{self.name}: the commit failed: {trouble.name()}")
            elif trouble is not None:
                self._troubles.tell(trouble)
        for partition in commit.records.keys() - accepted.keys():
            self._tenures.refused(partition)
        self._tenures.committed(accepted)

    def _on_assign(self, client: MembershipClient, partitions: list[TopicPartition]) -> None:
        numbers = [one.partition for one in partitions]
        client.incremental_assign([TopicPartition(CAMERAS.name, number, OFFSET_BEGINNING) for number in numbers])
        if numbers:
            client.pause([TopicPartition(CAMERAS.name, number) for number in numbers])
        self._joined = True
        self._read_after_s = 0.0
        self._tenures.assigned(numbers)
        _log.info("partitions assigned", partitions=len(numbers))

    def _on_revoke(self, _: MembershipClient, partitions: list[TopicPartition]) -> None:
        self._give_back(partitions)
        _log.info("partitions revoked", partitions=len(partitions))

    def _on_lost(self, _: MembershipClient, partitions: list[TopicPartition]) -> None:
        self._give_back(partitions)
        _log.warning("partitions lost", partitions=len(partitions))

    def _give_back(self, partitions: list[TopicPartition]) -> None:
        numbers = {one.partition for one in partitions}
        if self._commit is not None:
            # Its answer may come from after the loss; the record itself will tell.
            self._commit.lost |= numbers
        self._read_after_s = 0.0
        self._tenures.given_back(numbers)

    def _on_error(self, error: KafkaError) -> None:
        if must_stop(error):
            self._failure = KafkaFailedError(f"{self.name}: {error.name()}")
        else:
            self._troubles.tell(error)
