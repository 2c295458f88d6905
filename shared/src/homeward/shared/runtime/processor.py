"""What becomes of one record, on the worker's thread: decode, handle, produce and await delivery."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from opentelemetry.trace import Tracer

from homeward.shared.clock import Clock
from homeward.shared.events import Event, InvalidEventError, decode
from homeward.shared.runtime.deadletters import dead_letter
from homeward.shared.runtime.handler import Handler, RetryableError
from homeward.shared.runtime.producer import EventSender
from homeward.shared.runtime.record import FetchedRecord
from homeward.shared.telemetry.logging import get_logger
from homeward.shared.telemetry.metrics import RuntimeMetrics
from homeward.shared.telemetry.tracing import event_span
from homeward.shared.topics import Topic

_log = get_logger()


@dataclass(frozen=True, slots=True)
class Done:
    """Every effect of the record is delivered, or the record is in the dead letters: commit."""


@dataclass(frozen=True, slots=True)
class Again:
    """The record is good and cannot be handled now: the same one again, after `retry_after` at the earliest."""

    retry_after: timedelta | None


@dataclass(frozen=True, slots=True)
class Unwanted:
    """The partition went to somebody else meanwhile: nothing was produced, and nothing is to be committed."""


Outcome = Done | Again | Unwanted


@dataclass(frozen=True, slots=True)
class Processor:
    """One group's way to process a record. It keeps nothing between two records."""

    group: str
    source: str
    topics: Mapping[str, Topic]
    handler: Handler
    producer: EventSender
    metrics: RuntimeMetrics
    clock: Clock
    tracer: Tracer

    def process(self, record: FetchedRecord, wanted: Callable[[], bool]) -> Outcome:
        """Process one record; `wanted` is asked just before anything is produced.

        Raises DeliveryError when an event or a dead letter was not acknowledged, and whatever else the handler
        raises: the service stops, and the record comes again.
        """
        topic = self.topics[record.partition[0]]
        try:
            event = _decode(topic, record)
        except InvalidEventError as error:
            return self._refuse(record, error, wanted)
        with event_span(self.tracer, f"{self.group} process {topic.name}", event.trace):
            try:
                following = self._handle(event)
            except RetryableError as error:
                self.metrics.retried(self.group, topic.name)
                _log.warning("event will be retried", topic=topic.name, event_id=event.event_id, error=error)
                return Again(error.retry_after)
            except InvalidEventError as error:
                return self._refuse(record, error, wanted)
            if not wanted():
                return Unwanted()
            self.producer.send(following)
        self.metrics.handled(self.group, topic.name)
        return Done()

    def _handle(self, event: Event) -> Sequence[Event]:
        started = self.clock.monotonic()
        try:
            return self.handler.handle(event)
        finally:
            self.metrics.took(self.group, event.topic.name, self.clock.monotonic() - started)

    def _refuse(self, record: FetchedRecord, error: InvalidEventError, wanted: Callable[[], bool]) -> Outcome:
        if not wanted():
            return Unwanted()
        topic, partition = record.partition
        letter = dead_letter(record, group=self.group, source=self.source, error=str(error), now=self.clock.now())
        self.producer.send([letter])
        self.metrics.dead_lettered(self.group, topic)
        _log.warning(
            "event is in the dead letters",
            topic=topic,
            partition=partition,
            offset=record.offset,
            dead_letter_id=letter.event_id,
            error=error,
        )
        return Done()


def _decode(topic: Topic, record: FetchedRecord) -> Event:
    if not record.headers_readable:
        raise InvalidEventError("the name of a header is not UTF-8")
    try:
        return decode(topic, record.key, record.value, record.headers)
    except InvalidEventError:
        raise
    except Exception as error:
        # Decoding is a pure function of the bytes: whatever it raises, it will raise again.
        raise InvalidEventError(f"the record cannot be decoded ({type(error).__name__})") from error
