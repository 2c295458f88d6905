"""The fields that a log line may hold, and the kind of value that each may have. Whatever is not here is not logged.

The kinds are narrow on purpose: none can carry a picture, a template, a photo, a list of floats, a long text or a
person's name with a space in it, whoever writes the log line and by whatever mistake.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

Plain = str | int | float | bool
"""What a checked value may be in the log line."""

Kind = Callable[[object], Plain | None]
"""Returns the value as it may be logged, or None where it is not of the kind."""

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")
_NAMES: Final = re.compile(r"[A-Za-z0-9._,-]{1,200}")
_ADDRESS: Final = re.compile(r"(?:[A-Za-z0-9.-]{1,100}|\[[0-9a-f:]{2,39}\]):\d{1,5}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_LONGEST_COUNT: Final = 2**63


def _text(pattern: re.Pattern[str]) -> Kind:
    # `type` rather than `isinstance`: a subclass could print as anything.
    return lambda value: value if type(value) is str and pattern.fullmatch(value) else None


def flag(value: object) -> Plain | None:
    """Return a bool."""
    return value if type(value) is bool else None


def count(value: object) -> Plain | None:
    """Return a whole number, of bytes and offsets too; an array's element is none."""
    return value if type(value) is int and abs(value) <= _LONGEST_COUNT else None


def quantity(value: object) -> Plain | None:
    """Return a finite number rounded to a thousandth: enough for a duration or a score, too little for a template."""
    if type(value) is int:
        return count(value)
    return round(value, 3) if type(value) is float and math.isfinite(value) else None


def instant(value: object) -> Plain | None:
    """Return an aware time as ISO 8601."""
    return value.isoformat() if type(value) is datetime and value.tzinfo is not None else None


uuid: Final = _text(_UUID)
label: Final = _text(_LABEL)
word: Final = _text(_WORD)
names: Final = _text(_NAMES)
address: Final = _text(_ADDRESS)
sha256: Final = _text(_SHA256)

# Ids of ours are UUIDs: an event of somebody else's could carry a name in its id.
_UUID_FIELDS: Final = """
    authorisation_id clip_id dead_letter_id deletion_id event_id gap_id hold_id release_id request_id sighting_id
    task_id
"""
_LABEL_FIELDS: Final = "bucket camera_id collection group model operation part source store topic version"
_WORD_FIELDS: Final = """
    alarm cause code denial event_kind method mode outcome pace phase purpose reason role signal state status use
"""
_COUNT_FIELDS: Final = """
    attempt attempts batch_size bytes_count camera_count cameras candidates clip_count clips count crop_count crops
    deleted end_offset events exit_status expected face_count faces first_offset found frame_count frames gap_count
    handled height_px in_flight index key_frame_count length_bytes limit missing object_count objects offset
    offset_bytes packets partition partitions port records replicas request_count restarts shard sighting_count
    sightings size_bytes subject_count task_count tasks templates threads tracks width_px workers
"""
_QUANTITY_FIELDS: Final = """
    age_s drain_s duration_s elapsed_s fps interval_s lag_s length_s score seconds threshold timeout_s wait_s window_s
"""
_FLAG_FIELDS: Final = "caught_up enabled fatal live ready retryable secure"
_INSTANT_FIELDS: Final = "closes_at day_ends_at ends_at expires_at since starts_at until"

_KINDS: Final[tuple[tuple[Kind, str], ...]] = (
    (uuid, _UUID_FIELDS),
    (label, _LABEL_FIELDS),
    (word, _WORD_FIELDS),
    (names, "parts settings"),
    (address, "endpoint listen target"),
    (sha256, "model_sha256 sha256"),
    (count, _COUNT_FIELDS),
    (quantity, _QUANTITY_FIELDS),
    (flag, _FLAG_FIELDS),
    (instant, _INSTANT_FIELDS),
)

FIELDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {name: kind for kind, fields in _KINDS for name in fields.split()},
)
"""Each field that may be logged, with its kind."""
