"""Events out, each one's delivery awaited."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, Protocol

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Producer as KafkaProducer

from homeward.shared.clock import Clock, SystemClock
from homeward.shared.events import Event, encode
from homeward.shared.runtime.client import WIDEST_MESSAGE_BYTES, Troubles, client_config, error_of
from homeward.shared.settings import KafkaSettings
from homeward.shared.telemetry.tracing import current_headers

_POLL_S: Final = 0.1
_FULL_QUEUE_WAIT_S: Final = 0.05
_GRACE_S: Final = 5.0
"""How long past the delivery timeout a delivery report may still be on its way."""


class DeliveryError(Exception):
    """At least one event was not acknowledged by all replicas; whether it is in the log is not known."""


class EventSender(Protocol):
    """What the runtime asks of a producer."""

    def send(self, events: Sequence[Event]) -> None:
        """Return when every event is acknowledged by all replicas; raise DeliveryError otherwise."""
        ...


class ProducerClient(Protocol):
    """What is asked of confluent-kafka's Producer."""

    def produce(self, *args: Any, **kwargs: Any) -> None:
        """Queue one record."""
        ...

    def poll(self, timeout: float = ..., /) -> int:
        """Serve delivery reports."""
        ...

    def flush(self, timeout: float = ..., /) -> int:
        """Wait until nothing is queued or under way."""
        ...


def connect_producer(config: dict[str, Any]) -> ProducerClient:
    """Return confluent-kafka's Producer."""
    return KafkaProducer(config)


class EventProducer:
    """A producer with acks=all that keeps the order. Safe to use from several threads.

    It is idempotent, unless the settings say that the broker errs at that: then a repeated request may leave an event
    in the log twice, under the same id.

    Within one `send`, the events of one partition are written in order. An event carries the trace of the span that
    is current where `send` is called.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        *,
        client_id: str = "homeward",
        delivery_timeout: timedelta = timedelta(seconds=60),
        tuning: Mapping[str, Any] | None = None,
        clock: Clock | None = None,
        connect: Callable[[dict[str, Any]], ProducerClient] = connect_producer,
    ) -> None:
        """`delivery_timeout` is how long one event may take, retries included, a broker's restart as well."""
        self._delivery_timeout_s = delivery_timeout.total_seconds()
        config = client_config(kafka, client_id, tuning) | {
            "acks": "all",
            "enable.idempotence": kafka.idempotence,
            # Without idempotence, only one request at a time keeps the order when one has to be repeated.
            **({} if kafka.idempotence else {"max.in.flight": 1}),
            "delivery.timeout.ms": int(self._delivery_timeout_s * 1000),
            "message.max.bytes": WIDEST_MESSAGE_BYTES,
            "compression.type": "lz4",
            # Java's own choice, so that any client finds a key in the same partition.
            "partitioner": "murmur2_random",
            # Each send is awaited: lingering for company would only add to every event's way.
            "linger.ms": 1,
            # Final for an event, an error arrives in that event's report as well; here it is news only.
            "error_cb": Troubles(client_id, clock or SystemClock()).tell,
        }
        self._client = connect(config)
        self._closed = threading.Event()
        # Reports are served by one thread of its own, so that no caller waits for another's poll to return.
        self._reports = threading.Thread(target=self._serve_reports, name="producer-reports", daemon=True)
        self._reports.start()

    def send(self, events: Sequence[Event]) -> None:
        """Write `events` in order and return when every one is acknowledged by all replicas.

        Blocks for at most the delivery timeout and a few seconds. Raises DeliveryError when at least one was not
        acknowledged; others may have been, and sending all of them again is safe, since ids are derived.
        """
        if not events:
            return
        if self._closed.is_set():
            raise DeliveryError("the producer is closed")
        trace = current_headers()
        batch = _Batch(len(events))
        for event in events:
            self._produce(replace(event, trace=trace) if trace else event, batch)
        batch.wait(self._delivery_timeout_s + _GRACE_S)

    def close(self) -> None:
        """Wait for what is under way, then stop; idempotent. Nothing is sent afterwards."""
        if self._closed.is_set():
            return
        self._client.flush(self._delivery_timeout_s)
        self._closed.set()
        self._reports.join()

    def _produce(self, event: Event, batch: "_Batch") -> None:
        record = encode(event)
        waited_s = 0.0
        while True:
            try:
                self._client.produce(
                    event.topic.name,
                    key=record.key,
                    value=record.value,
                    headers=record.headers,
                    on_delivery=batch.delivered,
                )
            except BufferError:
                if waited_s > self._delivery_timeout_s:
                    raise DeliveryError(f"{event.topic.name}: the producer's queue stayed full") from None
                waited_s += _FULL_QUEUE_WAIT_S
                self._closed.wait(_FULL_QUEUE_WAIT_S)
            except KafkaException as error:
                # The exception holds the code alone, never the record.
                raise DeliveryError(f"{event.topic.name}: {error_of(error).name()}") from error
            else:
                return

    def _serve_reports(self) -> None:
        while not self._closed.is_set():
            self._client.poll(_POLL_S)


class _Batch:
    """The delivery reports of one send."""

    def __init__(self, expected: int) -> None:
        self._missing = expected
        self._failures: dict[str, int] = {}
        self._changed = threading.Condition()

    def delivered(self, error: KafkaError | None, message: Any) -> None:
        """Take one delivery report; called by the thread that polls."""
        with self._changed:
            self._missing -= 1
            if error is not None:
                name = f"{message.topic()}: {error.name()}"
                self._failures[name] = self._failures.get(name, 0) + 1
            if self._missing == 0:
                self._changed.notify_all()

    def wait(self, timeout_s: float) -> None:
        """Return when every report has come and is good; raise DeliveryError otherwise."""
        with self._changed:
            reported = self._changed.wait_for(lambda: self._missing == 0, timeout_s)
            failures = [f"{count} x {name}" for name, count in sorted(self._failures.items())]
            if not reported:
                failures.append(f"{self._missing} x without a report")
        if failures:
            raise DeliveryError(f"not delivered: {', '.join(failures)}")
