"""Audit records: what is told, and acknowledged by all replicas, before it takes effect (DESIGN, invariant 7)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from homeward.shared.events import Event, new_event
from homeward.shared.ids import derived_id
from homeward.shared.instants import format_instant, to_timestamp
from homeward.shared.topics import AUDIT
from homewardapi.audit.v1 import audit_pb2
from homewardapi.audit.v1.audit_pb2 import AuditAction, AuditOutcome, AuditRecord

ANONYMOUS: Final = "anonymous"
"""The actor who is not signed in."""

RECEIPT_HOLDER: Final = "receipt"
"""The actor who holds a request's receipt: whom the request serves, and who is not named."""

DELETION_DUE: Final = "due"
"""What a deletion's record ends with before anything is deleted."""

DELETION_GONE: Final = "gone"
"""What it ends with once a second listing shows nothing."""

DELETION_LEFT: Final = "left"
"""What it ends with once a second listing shows that something stayed."""

PHOTOS: Final = "subjects"
"""The store of reference photos, in a deletion's code."""

TEMPLATES: Final = "templates"
"""The store of subjects' templates, in a deletion's code."""


def deletion_code(store: str, state: str) -> str:
    """Return the code of a deletion's record: the store, such as "footage", and how far the deletion is."""
    return f"{store}_{state}"


class AuditUnavailableError(Exception):
    """What was to be done could not be recorded, so it must not be done; it may be tried again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that is about to happen, or was refused.

    `actor_id` is an official's opaque id, "homeward/<service>", `RECEIPT_HOLDER` or `ANONYMOUS`. `nonce` tells apart
    what the same actor does twice; by default the time does. The other fields are those of the message AuditRecord
    without `optional_`: references, codes and counts, never a name and never a text that somebody wrote.
    """

    action: AuditAction.ValueType
    actor_id: str
    outcome: AuditOutcome.ValueType = audit_pb2.AUDIT_OUTCOME_ALLOWED
    request_id: str | None = None
    authorisation_id: str | None = None
    sighting_id: str | None = None
    camera_id: str | None = None
    hold_id: str | None = None
    deletion_id: str | None = None
    key_id: str | None = None
    purpose: str | None = None
    code: str | None = None
    faces_compared: int | None = None
    camera_seconds: float | None = None
    candidates: int | None = None
    objects: int | None = None
    digest: str | None = None
    day: str | None = None
    nonce: str | None = field(default=None, compare=False)


_FIELDS: Final = tuple(
    name.removeprefix("optional_") for name in AuditRecord.DESCRIPTOR.fields_by_name if name.startswith("optional_")
)


def audit_event(entry: Entry, source: str, now: datetime) -> Event:
    """Return the event that tells `entry`, by `source`, "homeward/<service>", at `now`."""
    facts = {f"optional_{name}": value for name in _FIELDS if (value := getattr(entry, name)) is not None}
    what: list[str | int] = [entry.actor_id, entry.action, entry.outcome]
    what += (str(facts.get(f"optional_{name}", "")) for name in _FIELDS)
    record = AuditRecord(
        record_id=derived_id("audit", source, entry.nonce or format_instant(now), *what),
        actor_id=entry.actor_id,
        action=entry.action,
        outcome=entry.outcome,
        recorded_at=to_timestamp(now),
        **facts,
    )
    return new_event(AUDIT, record.record_id, source, now, record)


class Audit(Protocol):
    """Where things are recorded before they take effect."""

    def record(self, *entries: Entry) -> None:
        """Return once every entry is acknowledged by all replicas.

        Called before the effect, within its transaction, and blocks for seconds at most. Raises AuditUnavailableError:
        then the effect must not happen.
        """
        ...
