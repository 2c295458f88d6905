"""One line of the log: a record as JSON, with its place and the hash of the line before it.

A line's bytes, without the line feed, are the leaf of the Merkle tree. Whoever verifies hashes what stands there and
needs neither Protobuf nor a canonical form of JSON.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from homeward.shared.audit_log.merkle import HASH_BYTES, leaf_hash
from homeward.shared.instants import format_instant, from_timestamp
from homewardapi.audit.v1.audit_pb2 import AuditAction, AuditOutcome, AuditRecord

NO_LINE: Final = bytes(HASH_BYTES)
"""What stands in the first line for the hash of the line before it."""

_ACTION: Final = "AUDIT_ACTION_"
_OUTCOME: Final = "AUDIT_OUTCOME_"
_OPTIONAL: Final = tuple(name for name in AuditRecord.DESCRIPTOR.fields_by_name if name.startswith("optional_"))


class MalformedLineError(ValueError):
    """A line that the log cannot have written."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a line says of its place: `digest` is its own hash as a leaf, `previous` that of the line before it."""

    index: int
    previous: bytes
    record_id: str
    digest: bytes


def action_name(action: AuditAction.ValueType) -> str:
    """Return an action as it stands in lines and in the API: request_approved."""
    return AuditAction.Name(action).removeprefix(_ACTION).lower()


def outcome_name(outcome: AuditOutcome.ValueType) -> str:
    """Return an outcome as it stands in lines and in the API: allowed or denied."""
    return AuditOutcome.Name(outcome).removeprefix(_OUTCOME).lower()


def write_line(record: AuditRecord, index: int, previous: bytes) -> bytes:
    """Return the line of `record` at `index`, after the line with the hash `previous`.

    The same record at the same place gives the same bytes, so that a log folded anew has the same root.
    """
    line: dict[str, Any] = {
        "index": index,
        "previous": previous.hex(),
        "record_id": record.record_id,
        "recorded_at": format_instant(from_timestamp(record.recorded_at)),
        "actor_id": record.actor_id,
        "action": action_name(record.action),
        "outcome": outcome_name(record.outcome),
    }
    for name in _OPTIONAL:
        if record.HasField(name):  # type: ignore[arg-type] # the names are the message's own
            line[name.removeprefix("optional_")] = getattr(record, name)
    return json.dumps(line, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def read_line(data: bytes) -> Line:
    """Return what a line, without its line feed, says of its place; raise MalformedLineError for no line of a log."""
    try:
        told = json.loads(data)
        index, record_id, previous = told["index"], told["record_id"], bytes.fromhex(told["previous"])
    except (ValueError, TypeError, KeyError) as error:
        raise MalformedLineError("this is not a line of the log") from error
    if type(index) is not int or index < 0 or not isinstance(record_id, str) or len(previous) != HASH_BYTES:
        raise MalformedLineError("this is not a line of the log")
    return Line(index, previous, record_id, leaf_hash(data))
