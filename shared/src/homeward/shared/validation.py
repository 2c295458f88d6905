"""What every message must be, read from its own descriptor.

A field without the `optional_` prefix is required: a message or a text must be there, an enum must be a known value
other than 0, a oneof must be chosen, a list may be empty, and a number may be 0.
"""

from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

_TEXTS = frozenset({FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES})


class InvalidMessageError(ValueError):
    """A message that lacks something or says something unknown. It names the field and never its value."""


def validate(message: Message) -> None:
    """Raise InvalidMessageError with the path of the first field that is not as its descriptor demands."""
    _validate(message, message.DESCRIPTOR.name)


def _validate(message: Message, path: str) -> None:
    if message.DESCRIPTOR.file.package == "google.protobuf":
        return
    for choice in message.DESCRIPTOR.oneofs:
        # Protobuf keeps an `optional` field in a oneof of its own, whose name begins with an underscore.
        if not choice.name.startswith("_") and message.WhichOneof(choice.name) is None:
            raise InvalidMessageError(f"{path}.{choice.name} is not chosen")
    for field in message.DESCRIPTOR.fields:
        _validate_field(message, field, f"{path}.{field.name}")


def _validate_field(message: Message, field: Any, path: str) -> None:
    value = getattr(message, field.name)
    if field.is_repeated:
        for index, element in enumerate(value):
            _validate_value(element, field, f"{path}[{index}]")
        return
    if field.has_presence and not message.HasField(field.name):
        if field.containing_oneof is None:
            raise InvalidMessageError(f"{path} is absent")
        return
    _validate_value(value, field, path)


def _validate_value(value: object, field: Any, path: str) -> None:
    if isinstance(value, Message):
        _validate(value, path)
    elif field.enum_type is not None:
        if value == 0 or value not in field.enum_type.values_by_number:
            raise InvalidMessageError(f"{path} is not a known {field.enum_type.name}")
    elif field.type in _TEXTS and not value:
        raise InvalidMessageError(f"{path} is empty")
