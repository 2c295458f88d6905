"""A consumer group of one member without a broker: what librdkafka promises of poll, pause, commit and rebalance."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from homeward.shared.events import Event, encode
from homeward.shared.runtime.record import Partition

MOST_IDLE_POLLS: Final = 5000
"""Polls that may bring nothing before the fake calls it a hang."""


@dataclass(frozen=True)
class FakeMessage:
    """One record, or an error, as confluent-kafka shows it."""

    where: Partition
    at: int
    its_key: bytes | None
    its_value: bytes | None
    its_headers: list[tuple[str, bytes | None]]
    its_error: KafkaError | None = None

    def topic(self) -> str:
        return self.where[0]

    def partition(self) -> int:
        return self.where[1]

    def offset(self) -> int:
        return self.at

    def key(self) -> bytes | None:
        return self.its_key

    def value(self) -> bytes | None:
        return self.its_value

    def headers(self) -> list[tuple[str, bytes | None]]:
        return self.its_headers

    def error(self) -> KafkaError | None:
        return self.its_error


@dataclass
class FakeGroup:
    """The log and the committed offsets, which outlive each client; `incidents` happen one a poll.

    An incident is "revoke" or "lose" (every partition, given back at the next poll), "refuse" or "forget" (the next
    commit fails, for now or for good), or "error" (a transient error instead of a record).
    """

    log: dict[Partition, list[FakeMessage]] = field(default_factory=dict)
    committed: dict[Partition, int] = field(default_factory=dict)
    incidents: list[str] = field(default_factory=list)
    on_commit: Callable[[Mapping[Partition, int]], None] = lambda _: None
    when_done: Callable[[], None] = lambda: None
    clients: list["FakeClient"] = field(default_factory=list)

    def add(self, partition: Partition, event: Event) -> None:
        record = encode(event)
        self.add_raw(partition, record.key, record.value, [*record.headers])

    def add_raw(
        self, partition: Partition, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
    ) -> None:
        records = self.log.setdefault(partition, [])
        records.append(FakeMessage(partition, len(records), key, value, headers))

    def all_committed(self) -> bool:
        return all(self.committed.get(partition, 0) == len(records) for partition, records in self.log.items())

    def connect(self, config: Mapping[str, Any]) -> "FakeClient":
        client = FakeClient(self, config)
        self.clients.append(client)
        return client


class FakeClient:
    """One membership."""

    def __init__(self, group: FakeGroup, config: Mapping[str, Any]) -> None:
        self.config = config
        self.polls = 0
        self.polls_while_all_paused = 0
        self.closed = False
        self._group = group
        self._positions: dict[Partition, int] = {}
        self._paused: set[Partition] = set()
        self._callbacks: Mapping[str, Callable[[Any, list[TopicPartition]], None]] = {}
        self._refusals: list[int] = []
        self._idle = 0

    def subscribe(self, topics: list[str], on_assign: Any = None, on_revoke: Any = None, on_lost: Any = None) -> None:
        assert {topic for topic, _ in self._group.log} <= set(topics)
        self._callbacks = {"assign": on_assign, "revoke": on_revoke, "lose": on_lost}

    def poll(self, timeout: float, /) -> FakeMessage | None:
        assert not self.closed
        assert timeout >= 0
        self.polls += 1
        if not self._positions:
            self._assign()
            return None
        incident = self._group.incidents.pop(0) if self._group.incidents else None
        match incident:
            case "revoke" | "lose":
                self._unassign(incident)
                return None
            case "refuse":
                self._refusals.append(KafkaError.NOT_COORDINATOR)
            case "forget":
                self._refusals.append(KafkaError.UNKNOWN_MEMBER_ID)
            case "error":
                return FakeMessage(("", 0), 0, None, None, [], KafkaError(KafkaError._TRANSPORT))
        return self._fetch(timeout)

    def _fetch(self, timeout_s: float) -> FakeMessage | None:
        if self._positions.keys() <= self._paused:
            self.polls_while_all_paused += 1
        for partition in sorted(self._positions):
            position = self._positions[partition]
            if partition not in self._paused and position < len(self._group.log[partition]):
                self._positions[partition] += 1
                self._idle = 0
                return self._group.log[partition][position]
        self._idle += 1
        time.sleep(min(timeout_s, 0.001))
        if self._group.all_committed():
            self._group.when_done()
        elif self._idle > MOST_IDLE_POLLS:
            raise AssertionError("the consumer polls and nothing comes")
        return None

    def pause(self, partitions: list[TopicPartition], /) -> None:
        self._paused |= self._held(partitions)

    def resume(self, partitions: list[TopicPartition], /) -> None:
        self._paused -= self._held(partitions)

    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> list[TopicPartition]:
        assert asynchronous is False
        self._held(offsets)
        if self._refusals:
            refusal = self._refusals.pop(0)
            if refusal == KafkaError.UNKNOWN_MEMBER_ID:
                # The group went on without this member, which learns of it at a next poll.
                self._group.incidents.insert(0, "lose")
            raise KafkaException(KafkaError(refusal))
        wanted = {(one.topic, one.partition): one.offset for one in offsets}
        self._group.on_commit(wanted)
        self._group.committed |= wanted
        return offsets

    def get_watermark_offsets(self, partition: TopicPartition, /, *, cached: bool) -> tuple[int, int]:
        assert cached
        return 0, len(self._group.log[partition.topic, partition.partition])

    def close(self) -> None:
        if self._positions:
            self._unassign("revoke")
        self.closed = True

    def _assign(self) -> None:
        self._positions = {partition: self._group.committed.get(partition, 0) for partition in self._group.log}
        # librdkafka may keep a partition paused over a rebalance.
        self._callbacks["assign"](self, self._named())

    def _unassign(self, how: str) -> None:
        self._callbacks[how](self, self._named())
        self._positions = {}

    def _named(self) -> list[TopicPartition]:
        return [TopicPartition(*partition) for partition in self._positions]

    def _held(self, partitions: Sequence[TopicPartition]) -> set[Partition]:
        named = {(one.topic, one.partition) for one in partitions}
        assert named <= self._positions.keys(), "a partition that is not held"
        return named
