"""Events on Kafka: a Protobuf message in a CloudEvents 1.0 envelope, in Kafka's binary mode.

The envelope stands in the headers (`ce_id`, `ce_type`, ...), the message alone is the value, so that a downstream
system needs no library of ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, to_binary
from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.v1.event import CloudEvent
from google.protobuf.message import DecodeError, Message

from homeward.shared.instants import require_aware
from homeward.shared.topics import Topic
from homeward.shared.validation import InvalidMessageError, validate

CONTENT_TYPE: Final = "application/protobuf"
# The library makes up an id, a time and a version that are missing; an event without them is not one of ours.
_REQUIRED_HEADERS: Final = ("ce_id", "ce_type", "ce_source", "ce_time", "ce_specversion", "content-type")
_TRACE_HEADERS: Final = ("traceparent", "tracestate")

Headers = Sequence[tuple[str, bytes | None]]


class InvalidEventError(ValueError):
    """A message that no retry can mend: it belongs in the dead letters. It names fields and never their values."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event on `topic`.

    `message` is of the topic's message class, or None to remove the key from a compacted topic. `event_id` is derived
    from what happened, so that a repeated event has the same id. `source` is the service, such as "homeward/ingest".
    `trace` holds the W3C trace context headers.
    """

    topic: Topic
    event_id: str
    key: str
    source: str
    time: datetime
    message: Message | None
    trace: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """What Kafka holds for one event: `value` is None for a removal."""

    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]


class _Bytes:
    """The CloudEvents data format that leaves bytes as they are.

    The library's JSON format would answer Protobuf bytes as text when they happen to be valid UTF-8.
    """

    def read(self, event_factory: Any, data: str | bytes) -> Any:
        raise NotImplementedError("structured mode is not used")

    def write(self, event: Any) -> bytes:
        raise NotImplementedError("structured mode is not used")

    def read_data(self, body: bytes, datacontenttype: str | None) -> bytes:  # noqa: ARG002 - the library's port
        return body

    def write_data(self, data: Any, datacontenttype: str | None) -> bytes:  # noqa: ARG002 - the library's port
        return bytes(data)

    def get_content_type(self) -> str:
        return CONTENT_TYPE


_BYTES: Final = _Bytes()


def new_event(topic: Topic, event_id: str, source: str, time: datetime, message: Message) -> Event:
    """Return the event that carries `message`, keyed by the topic's own key field.

    Raises InvalidMessageError when the message is not what its descriptor demands, so that no service can publish
    what another would refuse.
    """
    validate(message)
    if not isinstance(message, topic.message):
        raise InvalidMessageError(f"{topic.name} carries {topic.event_type}, not {message.DESCRIPTOR.full_name}")
    return Event(topic, event_id, str(getattr(message, topic.key_field)), source, require_aware(time), message)


def removal(topic: Topic, event_id: str, source: str, time: datetime, key: str) -> Event:
    """Return the event that removes `key` from a compacted topic; raise ValueError for any other topic."""
    if not topic.compacted:
        raise ValueError(f"{topic.name} is not compacted: nothing can be removed from it")
    return Event(topic, event_id, key, source, require_aware(time), None)


def encode(event: Event) -> Record:
    """Return the Kafka record of `event`."""
    attributes: dict[str, Any] = {
        "id": event.event_id,
        "type": event.topic.event_type,
        "source": event.source,
        "subject": event.key,
        "time": event.time,
        "specversion": "1.0",
        "datacontenttype": CONTENT_TYPE,
    }
    data = b"" if event.message is None else event.message.SerializeToString(deterministic=True)
    bound = to_binary(CloudEvent(attributes, data), _BYTES, key_mapper=lambda _: event.key.encode())
    headers = [*bound.headers.items(), *((name, value.encode()) for name, value in event.trace.items())]
    return Record(event.key.encode(), None if event.message is None else bound.value, headers)


def decode(topic: Topic, key: bytes | None, value: bytes | None, headers: Headers) -> Event:
    """Return the event that a Kafka record of `topic` holds.

    Raises InvalidEventError when the envelope is broken, the type is not the topic's, the value does not parse, a
    required field is absent, an enum is unknown, or the key is not the message's.
    """
    known = {name: value for name, value in headers if value is not None}
    if key is None:
        raise InvalidEventError("the record has no key")
    missing = [name for name in _REQUIRED_HEADERS if not known.get(name)]
    if missing:
        raise InvalidEventError(f"the envelope lacks {', '.join(missing)}")
    try:
        text_key = key.decode()
        envelope = from_binary(KafkaMessage(known, None, value or b""), _BYTES, CloudEvent)
    except (UnicodeDecodeError, ValueError, CloudEventValidationError) as error:
        raise InvalidEventError("the CloudEvents envelope is broken: an attribute is missing or malformed") from error
    if envelope.get_type() != topic.event_type:
        raise InvalidEventError(f"the event is not of the type {topic.event_type}")
    time = envelope.get_time()
    if time is None or time.tzinfo is None:
        raise InvalidEventError("the envelope has no time in UTC")
    return Event(
        topic,
        envelope.get_id(),
        text_key,
        envelope.get_source(),
        require_aware(time),
        _decode_message(topic, text_key, value),
        {name: known[name].decode(errors="replace") for name in _TRACE_HEADERS if name in known},
    )


def _decode_message(topic: Topic, key: str, value: bytes | None) -> Message | None:
    if value is None:
        if not topic.compacted:
            raise InvalidEventError(f"the record has no value, and {topic.name} is not compacted")
        return None
    try:
        message = topic.message.FromString(value)
    except DecodeError as error:
        raise InvalidEventError(f"the value is not a {topic.event_type}") from error
    try:
        validate(message)
    except InvalidMessageError as error:
        raise InvalidEventError(str(error)) from error
    if str(getattr(message, topic.key_field)) != key:
        raise InvalidEventError(f"the record's key is not the message's {topic.key_field}")
    return message
