"""A member of a consumer group: fetch, decode, handle, produce and await delivery, commit."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from confluent_kafka import Consumer as KafkaConsumer
from confluent_kafka import KafkaError
from opentelemetry.trace import Tracer

from homeward.shared.clock import Clock
from homeward.shared.runtime.backoff import Backoff
from homeward.shared.runtime.client import FETCH_WAIT_MS, KafkaFailedError, Troubles, client_config, must_stop
from homeward.shared.runtime.handler import Handler
from homeward.shared.runtime.processor import Outcome, Processor
from homeward.shared.runtime.producer import EventSender
from homeward.shared.runtime.session import GroupClient, Session
from homeward.shared.runtime.worker import Worker
from homeward.shared.settings import KafkaSettings
from homeward.shared.telemetry.metrics import RuntimeMetrics
from homeward.shared.telemetry.tracing import new_tracer
from homeward.shared.topics import Topic

_FETCHED_AHEAD_KIB: Final = 16 * 1024
"""What librdkafka may hold fetched ahead: four of the widest messages, far below its own 64 MiB."""

_HEARTBEATS_A_SESSION: Final = 3
"""Two heartbeats may be lost before the group gives the member up."""


def connect_consumer(config: dict[str, Any]) -> GroupClient:
    """Return confluent-kafka's Consumer."""
    return KafkaConsumer(config)


class Consumer:
    """A part of a service that handles the events of `topics` as a member of `group`.

    Every event is handled at least once, one at a time, in the order of its partition; its offset is committed when
    all that followed from it is acknowledged. Three outcomes only: RetryableError holds the event's partition back
    while others go on; InvalidEventError puts the record in the dead letters; anything else stops the service with
    the offset uncommitted, and so do dead letters that cannot be written.

    The handler runs on a thread of its own and may take longer than max.poll.interval.ms, since the group is polled
    beside it. How this differs from librdkafka's defaults: never an automatic commit, `earliest` where no offset is
    known, cooperative-sticky assignment, no pushed telemetry.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        *,
        group: str,
        topics: Sequence[Topic],
        handler: Handler,
        producer: EventSender,
        metrics: RuntimeMetrics,
        clock: Clock,
        source: str | None = None,
        drain: timedelta = timedelta(seconds=20),
        backoff: Backoff | None = None,
        tracer: Tracer | None = None,
        tuning: Mapping[str, Any] | None = None,
        connect: Callable[[dict[str, Any]], GroupClient] = connect_consumer,
    ) -> None:
        """`source` names the service in its dead letters; `drain` bounds what a revocation or a stop may still finish.

        `tuning` takes librdkafka's own names. Raises ClientConfigurationError when it holds a property on which
        "nothing is lost" stands.
        """
        self.name = f"consumer {group}"
        self._group = group
        self._topics = {topic.name: topic for topic in topics}
        self._clock = clock
        self._drain = drain
        self._backoff = backoff or Backoff()
        self._connect = connect
        self._processor = Processor(
            group=group,
            source=source or f"homeward/{group}",
            topics=self._topics,
            handler=handler,
            producer=producer,
            metrics=metrics,
            clock=clock,
            tracer=tracer or new_tracer(group),
        )
        session_ms = kafka.session_timeout_s * 1000
        liveness = {"session.timeout.ms": session_ms, "heartbeat.interval.ms": session_ms // _HEARTBEATS_A_SESSION}
        self._config = client_config(kafka, group, liveness | dict(tuning or {})) | {
            "group.id": group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",
            "partition.assignment.strategy": "cooperative-sticky",
            "fetch.wait.max.ms": FETCH_WAIT_MS,
            "queued.max.messages.kbytes": _FETCHED_AHEAD_KIB,
            "error_cb": self._on_error,
        }
        self._troubles = Troubles(group, clock)
        self._session: Session | None = None
        self._failure: KafkaFailedError | None = None

    def ready(self) -> bool:
        """Whether the group has given this member its partitions, be they none, and it still is a member."""
        session = self._session
        return session is not None and session.joined

    def run(self, stop: threading.Event) -> None:
        """Consume until `stop` is set, then drain, commit and leave the group.

        Raises what stopped it otherwise: the handler's own error, DeliveryError, KafkaFailedError.
        """
        worker: Worker[Outcome] = Worker(f"handler {self._group}")
        client = self._connect(self._config)
        session = Session(
            client,
            self._processor,
            worker,
            clock=self._clock,
            backoff=self._backoff,
            drain=self._drain,
            troubles=self._troubles,
        )
        self._session = session
        try:
            client.subscribe(
                list(self._topics),
                on_assign=session.on_assign,
                on_revoke=session.on_revoke,
                on_lost=session.on_lost,
            )
            while not stop.is_set():
                session.turn()
                if self._failure is not None:
                    raise self._failure
            session.drain()
        finally:
            self._session = None
            # What is in flight is drained by now: leaving before that would hand its partition to another member.
            client.close()
            worker.stop()

    def _on_error(self, error: KafkaError) -> None:
        if must_stop(error):
            self._failure = KafkaFailedError(f"{self._group}: {error.name()}")
        else:
            self._troubles.tell(error)
