"""Ids derived from what they name, so that doing a thing twice gives one thing.

Each is a UUIDv5 (RFC 9562, section 5.5) in a namespace of its own, in lower-case hexadecimal with hyphens.
"""

import uuid
from datetime import datetime

from homeward.shared.instants import format_instant

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "homeward.example")


def derived_id(kind: str, *parts: str | int) -> str:
    """Return the id of the `kind` named by `parts`.

    The parts are joined with a separator that none may hold, so that ("a", "bc") and ("ab", "c") differ.
    Raises ValueError when a part holds the separator.
    """
    texts = [kind, *(str(part) for part in parts)]
    if any("\x1f" in text for text in texts):
        raise ValueError(f"a part of a {kind} id holds the separator U+001F; ids are made of printable text")
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join(texts)))


def clip_id(camera_id: str, starts_at: datetime) -> str:
    """Return the id of the clip or gap of `camera_id` that begins at `starts_at` (to the microsecond)."""
    return derived_id("clip", camera_id, format_instant(starts_at))


def faces_event_id(clip: str) -> str:
    """Return the event id of the faces found in the clip with id `clip`."""
    return derived_id("faces", clip)


def search_message_id(authorisation_id: str, event: str, *parts: str | int) -> str:
    """Return the task id of a search message: `event` is "planned", "refused" or "task"; `parts` tell tasks apart."""
    return derived_id("search", authorisation_id, event, *parts)


def sighting_id(authorisation_id: str, clip: str, face_index: int) -> str:
    """Return the id of the sighting of face `face_index` of the clip with id `clip` under an authorisation."""
    return derived_id("sighting", authorisation_id, clip, face_index)


def state_event_id(kind: str, key: str, changed_at: datetime) -> str:
    """Return the event id of a compacted topic's state: `kind` with id `key` as of `changed_at`."""
    return derived_id(kind, key, format_instant(changed_at))


def dead_letter_id(consumer_group: str, topic: str, partition: int, offset: int) -> str:
    """Return the id of the dead letter of one message as refused by one group."""
    return derived_id("dead-letter", consumer_group, topic, partition, offset)
