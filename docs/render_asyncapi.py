"""The AsyncAPI 3.0 document of every topic, rendered from the table of topics and the protos' own descriptors."""

import sys
from typing import Any, Final

import yaml
from google.protobuf.descriptor import FieldDescriptor

from homeward.shared.events import CONTENT_TYPE
from homeward.shared.topics import TOPICS, Topic

# Protobuf's two implementations have descriptor classes of their own, without a common type.
Descriptor = Any

_VERSION: Final = "1.0.0"

# How Protobuf's JSON mapping writes each kind of scalar, for readers who know JSON Schema better than Protobuf.
_SCALARS: Final[dict[int, dict[str, Any]]] = {
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    FieldDescriptor.TYPE_DOUBLE: {"type": "number"},
    FieldDescriptor.TYPE_FLOAT: {"type": "number"},
    FieldDescriptor.TYPE_INT32: {"type": "integer"},
    FieldDescriptor.TYPE_INT64: {"type": "integer"},
    FieldDescriptor.TYPE_STRING: {"type": "string"},
    FieldDescriptor.TYPE_UINT32: {"type": "integer", "minimum": 0},
    FieldDescriptor.TYPE_UINT64: {"type": "integer", "minimum": 0},
}
_WELL_KNOWN: Final[dict[str, dict[str, Any]]] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?\d+(\.\d+)?s$"},
}


def render() -> dict[str, Any]:
    """Return the document as plain data."""
    schemas: dict[str, Any] = {"CloudEventsHeaders": _headers()}
    for topic in TOPICS.values():
        _collect(topic.message.DESCRIPTOR, schemas)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Homeward events",
            "version": _VERSION,
            "description": (
                "Every Kafka topic of Homeward. Values are Protobuf; CloudEvents 1.0 attributes stand in the headers "
                "(binary mode). No event holds a name, a photo, a template or a picture: references only."
            ),
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {_name(topic): _channel(topic) for topic in TOPICS.values()},
        "operations": {
            f"receive{_name(topic)}": {
                "action": "receive",
                "channel": {"$ref": f"#/channels/{_name(topic)}"},
                "summary": topic.summary,
            }
            for topic in TOPICS.values()
        },
        "components": {
            "messages": {_name(topic): _message(topic) for topic in TOPICS.values()},
            "schemas": dict(sorted(schemas.items())),
        },
    }


def _name(topic: Topic) -> str:
    return topic.message.DESCRIPTOR.name


def _channel(topic: Topic) -> dict[str, Any]:
    cleanup: dict[str, Any] = {"cleanup.policy": ["compact" if topic.compacted else "delete"]}
    if topic.retention is not None:
        cleanup["retention.ms"] = int(topic.retention.total_seconds() * 1000)
    return {
        "address": topic.name,
        "description": topic.summary,
        "messages": {_name(topic): {"$ref": f"#/components/messages/{_name(topic)}"}},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {**cleanup, "max.message.bytes": topic.max_message_bytes},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _message(topic: Topic) -> dict[str, Any]:
    return {
        "name": topic.event_type,
        "title": _name(topic),
        "contentType": CONTENT_TYPE,
        "headers": {"$ref": "#/components/schemas/CloudEventsHeaders"},
        "payload": {"$ref": f"#/components/schemas/{topic.event_type}"},
        "bindings": {
            "kafka": {"key": {"type": "string", "description": topic.key_field}, "bindingVersion": "0.5.0"},
        },
    }


def _headers() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "type": "object",
        "description": "CloudEvents 1.0 attributes, Kafka binary mode, with the W3C trace context.",
        "required": ["ce_id", "ce_type", "ce_source", "ce_specversion", "ce_time", "content-type"],
        "properties": {
            "ce_id": {**text, "description": "Derived from what happened: a repeated event has the same id."},
            "ce_type": {**text, "description": "The full name of the Protobuf message."},
            "ce_source": {**text, "description": "The service that published it."},
            "ce_subject": {**text, "description": "The record's key."},
            "ce_specversion": {"const": "1.0"},
            "ce_time": {**text, "format": "date-time"},
            "content-type": {"const": CONTENT_TYPE},
            "traceparent": text,
            "tracestate": text,
        },
    }


def _collect(descriptor: Descriptor, schemas: dict[str, Any]) -> None:
    if descriptor.full_name in schemas or descriptor.full_name in _WELL_KNOWN:
        return
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    schemas[descriptor.full_name] = schema
    required = []
    for field in descriptor.fields:
        if field.message_type is not None:
            _collect(field.message_type, schemas)
        kind = _kind(field)
        schema["properties"][field.name] = {"type": "array", "items": kind} if field.is_repeated else kind
        if not field.is_repeated and field.containing_oneof is None:
            required.append(field.name)
    if required:
        schema["required"] = required


def _kind(field: Any) -> dict[str, Any]:
    if field.message_type is not None:
        name = field.message_type.full_name
        return dict(_WELL_KNOWN[name]) if name in _WELL_KNOWN else {"$ref": f"#/components/schemas/{name}"}
    if field.enum_type is not None:
        # 0 is the unspecified value, which no message may hold.
        return {"type": "string", "enum": [value.name for value in field.enum_type.values if value.number != 0]}
    return dict(_SCALARS[field.type])


def dump() -> str:
    """Return the document as YAML."""
    return "# Rendered from the table of topics by `make docs`.\n" + yaml.safe_dump(
        render(), sort_keys=False, width=110, allow_unicode=True
    )


if __name__ == "__main__":
    sys.stdout.write(dump())
