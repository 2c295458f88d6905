"""One membership of a consumer group, from joining to leaving: the loop itself."""

import threading
from collections.abc import Iterable
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Protocol

from confluent_kafka import TopicPartition

from homeward.shared.clock import Clock
from homeward.shared.runtime.backoff import Backoff
from homeward.shared.runtime.client import KafkaFailedError, Troubles, must_stop
from homeward.shared.runtime.deadline import Deadline
from homeward.shared.runtime.lanes import Lanes
from homeward.shared.runtime.offsets import Committer, Offsets
from homeward.shared.runtime.processor import Again, Done, Outcome, Processor
from homeward.shared.runtime.record import FetchedRecord, Partition, record_of
from homeward.shared.runtime.worker import Worker
from homeward.shared.telemetry.logging import get_logger

PATIENCE_S: Final = 1.0
"""How long the loop waits for a handler before it pauses every partition and polls beside it.

Pausing throws away what librdkafka has fetched ahead, so a quick handler is waited for; a second without polling is
far below any max.poll.interval.ms."""

_POLL_S: Final = 0.5
_BESIDE_S: Final = 0.2
_COMMIT_AGAIN_S: Final = 0.5

_log = get_logger()


class GroupClient(Committer, Protocol):
    """What the loop asks of confluent-kafka's Consumer."""

    def poll(self, timeout: float, /) -> Any:
        """Return the next message, serve callbacks, and show the broker that the member is alive."""
        ...

    def pause(self, partitions: list[TopicPartition], /) -> None:
        """Fetch nothing more of `partitions` for now."""
        ...

    def resume(self, partitions: list[TopicPartition], /) -> None:
        """Fetch again."""
        ...

    def get_watermark_offsets(self, partition: TopicPartition, /, *, cached: bool) -> Any:
        """Return the low and the high watermark that the last fetch told."""
        ...

    def subscribe(self, topics: list[str], on_assign: Any = ..., on_revoke: Any = ..., on_lost: Any = ...) -> None:
        """Join the group for `topics`."""
        ...

    def close(self) -> None:
        """Leave the group."""
        ...


@dataclass(slots=True)
class _Flight:
    """The record that the worker has now. `abandoned` is set when its partition went away before it was done."""

    record: FetchedRecord
    future: Future[Outcome]
    abandoned: threading.Event = field(default_factory=threading.Event)

    def landed(self, timeout_s: float) -> bool:
        return bool(wait_for([self.future], timeout=timeout_s).done)


class Session:
    """The state of one membership. Every method is called by the polling thread alone."""

    def __init__(
        self,
        client: GroupClient,
        processor: Processor,
        worker: Worker[Outcome],
        *,
        clock: Clock,
        backoff: Backoff,
        drain: timedelta,
        troubles: Troubles,
    ) -> None:
        self._client = client
        self._processor = processor
        self._worker = worker
        self._clock = clock
        self._backoff = backoff
        self._drain = drain
        self._troubles = troubles
        self._lanes = Lanes()
        self._offsets = Offsets(client)
        self._paused: set[Partition] = set()
        self._flight: _Flight | None = None
        self._failure: BaseException | None = None
        self._deadline: Deadline | None = None
        self.joined = False

    def turn(self) -> None:
        """Take one step: start, await or finish a record, commit, or poll. Blocks for a second or so at most.

        Raises what the handler or the producer raised, and KafkaFailedError.
        """
        if self._flight is not None:
            self._await_flight()
        elif self._offsets:
            self._poll(_COMMIT_AGAIN_S)
            self._offsets.commit()
        elif (record := self._lanes.ready(self._clock.monotonic())) is not None:
            self._launch(record)
        else:
            self._poll(self._idle_s())

    def drain(self) -> None:
        """Finish what is in flight and commit it, all before one deadline, which leaving the group shares."""
        self._deadline = Deadline(self._clock, self._drain)
        while self._flight is not None and not self._deadline.passed():
            self._await_flight()
        if self._flight is not None:
            self._abandon(self._flight)
        self._offsets.commit()
        while self._offsets and not self._deadline.passed():
            self._poll(_COMMIT_AGAIN_S)
            self._offsets.commit()

    # Called back from poll and close.

    def on_assign(self, _: object, partitions: list[TopicPartition]) -> None:
        """Take up partitions that the group gave."""
        fresh = _names(partitions)
        self._lanes.assign(fresh)
        # A partition that comes back may still be paused from last time; the next poll resumes it.
        self._paused.update(fresh)
        self.joined = True
        _log.info("partitions assigned", group=self._processor.group, partitions=len(fresh))

    def on_revoke(self, _: object, partitions: list[TopicPartition]) -> None:
        """Give partitions back: drain what is in flight there and commit, all before one deadline."""
        gone = _names(partitions)
        deadline = self._deadline or Deadline(self._clock, self._drain)
        try:
            if self._flight is not None and self._flight.record.partition in gone:
                if self._flight.landed(deadline.remaining_s()):
                    self._land(self._flight)
                else:
                    self._abandon(self._flight)
            self._offsets.commit()
        except Exception as error:  # noqa: BLE001 - raised again by the poll that called back, see _poll
            self._failure = error
        self._forget(gone)
        _log.info("partitions revoked", group=self._processor.group, partitions=len(gone))

    def on_lost(self, _: object, partitions: list[TopicPartition]) -> None:
        """Give up partitions that somebody else may hold already: commit nothing."""
        gone = _names(partitions)
        if self._flight is not None and self._flight.record.partition in gone:
            self._abandon(self._flight)
        self._forget(gone)
        _log.warning("partitions lost", group=self._processor.group, partitions=len(gone))

    # The parts of a turn.

    def _launch(self, record: FetchedRecord) -> None:
        abandoned = threading.Event()
        future = self._worker.submit(lambda: self._processor.process(record, lambda: not abandoned.is_set()))
        self._flight = _Flight(record, future, abandoned)
        self._processor.metrics.in_flight(self._processor.group, 1)
        if self._flight.landed(PATIENCE_S):
            self._land(self._flight)

    def _await_flight(self) -> None:
        self._poll(0)
        # Polling may have revoked the partition and settled the flight.
        if (flight := self._flight) is not None and flight.landed(_BESIDE_S):
            self._land(flight)

    def _land(self, flight: _Flight) -> None:
        self._flight = None
        self._processor.metrics.in_flight(self._processor.group, 0)
        outcome = flight.future.result()
        if flight.abandoned.is_set():
            return
        record = flight.record
        match outcome:
            case Done():
                self._lanes.finish(record)
                self._offsets.processed(record)
                self._offsets.commit()
                self._tell_lag(record)
            case Again(retry_after):
                wait_s = self._backoff.wait_s(self._lanes.failed(record), retry_after)
                self._lanes.delay(record, self._clock.monotonic() + wait_s)

    def _abandon(self, flight: _Flight) -> None:
        flight.abandoned.set()
        _log.warning(
            "event abandoned", topic=flight.record.partition[0], partition=flight.record.partition[1],
            offset=flight.record.offset,
        )  # fmt: skip

    def _forget(self, partitions: Iterable[Partition]) -> None:
        for partition in partitions:
            self._paused.discard(partition)
            self._processor.metrics.forget_lag(self._processor.group, *partition)
        self._lanes.drop(partitions)
        self._offsets.drop(partitions)

    def _poll(self, timeout_s: float) -> None:
        self._steer()
        message = self._client.poll(timeout_s)
        if self._failure is not None:
            raise self._failure
        if message is None:
            return
        error = message.error()
        if error is None:
            self._lanes.add(record_of(message))
        elif must_stop(error):
            raise KafkaFailedError(f"{self._processor.group}: {error.name()}")
        else:
            self._troubles.tell(error)

    def _steer(self) -> None:
        """Pause what must not be fetched now, and resume the rest.

        While a record is in flight or an offset waits for its commit, that is everything: polling then only keeps
        the membership.
        """
        held = self._lanes.partitions()
        wanted = held if self._flight is not None or self._offsets else self._lanes.occupied()
        if pausing := wanted - self._paused:
            self._client.pause([TopicPartition(*partition) for partition in sorted(pausing)])
        if resuming := (held - wanted) & self._paused:
            self._client.resume([TopicPartition(*partition) for partition in sorted(resuming)])
        self._paused = set(wanted)

    def _idle_s(self) -> float:
        due = self._lanes.next_due()
        return _POLL_S if due is None else min(_POLL_S, max(0.0, due - self._clock.monotonic()))

    def _tell_lag(self, record: FetchedRecord) -> None:
        watermarks = self._client.get_watermark_offsets(TopicPartition(*record.partition), cached=True)
        # librdkafka answers a negative offset where no fetch has told it yet.
        if watermarks is not None and watermarks[1] >= 0:
            lag = max(0, watermarks[1] - record.offset - 1)
            self._processor.metrics.lag(self._processor.group, *record.partition, lag)


def _names(partitions: Iterable[TopicPartition]) -> list[Partition]:
    return [(partition.topic, partition.partition) for partition in partitions]
