"""The sums over the log for the transparency report, kept as lines come: no report reads a million lines."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from sqlalchemy.orm import Session

from homeward.access.audit.tables import AuditCase, AuditSum
from homeward.shared.audit import DELETION_GONE, PHOTOS, TEMPLATES, deletion_code
from homeward.shared.instants import from_timestamp
from homewardapi.audit.v1 import audit_pb2
from homewardapi.audit.v1.audit_pb2 import AuditRecord


class Figure(StrEnum):
    """What is counted, by month and purpose."""

    REQUESTS = "requests"
    APPROVED = "approved"
    NARROWED = "narrowed"
    REFUSED = "refused"
    URGENT = "urgent"
    STOPPED = "stopped"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    SEARCHES = "searches"
    FACES = "faces_compared"
    CAMERA_SECONDS = "camera_seconds"
    CANDIDATES = "candidates"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    DISPUTED = "disputed"
    PICTURES_VIEWED = "pictures_viewed"
    ACCESS_REFUSED = "access_refused"


_COUNTED: Final[Mapping[int, Figure]] = MappingProxyType(
    {
        audit_pb2.AUDIT_ACTION_REQUEST_SUBMITTED: Figure.REQUESTS,
        audit_pb2.AUDIT_ACTION_REQUEST_APPROVED: Figure.APPROVED,
        audit_pb2.AUDIT_ACTION_REQUEST_NARROWED: Figure.NARROWED,
        audit_pb2.AUDIT_ACTION_REQUEST_STARTED: Figure.URGENT,
        audit_pb2.AUDIT_ACTION_REQUEST_STOPPED: Figure.STOPPED,
        audit_pb2.AUDIT_ACTION_REQUEST_WITHDRAWN: Figure.WITHDRAWN,
        audit_pb2.AUDIT_ACTION_REQUEST_EXPIRED: Figure.EXPIRED,
        audit_pb2.AUDIT_ACTION_SEARCH_STARTED: Figure.SEARCHES,
        audit_pb2.AUDIT_ACTION_SIGHTING_VIEWED: Figure.PICTURES_VIEWED,
        audit_pb2.AUDIT_ACTION_PHOTO_VIEWED: Figure.PICTURES_VIEWED,
    }
)
"""What counts where it was allowed."""

_VERDICTS: Final[Mapping[str, Figure]] = MappingProxyType(
    {figure.value: figure for figure in (Figure.CONFIRMED, Figure.REJECTED, Figure.DISPUTED)}
)

_ENDS: Final = frozenset(
    {
        audit_pb2.AUDIT_ACTION_REQUEST_STOPPED,
        audit_pb2.AUDIT_ACTION_REQUEST_WITHDRAWN,
        audit_pb2.AUDIT_ACTION_REQUEST_EXPIRED,
        audit_pb2.AUDIT_ACTION_SEARCH_ENDED,
    }
)

_PHOTOS_GONE: Final = deletion_code(PHOTOS, DELETION_GONE)
_TEMPLATES_GONE: Final = deletion_code(TEMPLATES, DELETION_GONE)


def month_of(instant: datetime) -> str:
    """Return the month of an aware UTC time, as in "2026-11"."""
    return f"{instant:%Y-%m}"


def count(session: Session, record: AuditRecord) -> None:
    """Add one record to the sums; called once a record, in the transaction that appends it."""
    at = from_timestamp(record.recorded_at)
    case = _case(session, record)
    purpose = record.optional_purpose or (case.purpose if case else "")
    for figure, value in _worth(record):
        _add(session, month_of(at), purpose, figure, value)
    if case is not None:
        _follow(case, record, at)


def _worth(record: AuditRecord) -> Iterator[tuple[Figure, float]]:
    action, allowed = record.action, record.outcome == audit_pb2.AUDIT_OUTCOME_ALLOWED
    if action == audit_pb2.AUDIT_ACTION_ACCESS_REFUSED:
        yield Figure.ACCESS_REFUSED, 1
    elif action == audit_pb2.AUDIT_ACTION_REQUEST_REFUSED:
        yield Figure.REFUSED, 1
    elif action in _COUNTED and allowed:
        yield _COUNTED[action], 1
    elif action == audit_pb2.AUDIT_ACTION_SIGHTING_DECIDED and record.optional_code in _VERDICTS:
        yield _VERDICTS[record.optional_code], 1
    elif action == audit_pb2.AUDIT_ACTION_FACES_COMPARED:
        yield Figure.FACES, record.optional_faces_compared
        yield Figure.CAMERA_SECONDS, record.optional_camera_seconds
        yield Figure.CANDIDATES, record.optional_candidates


def _add(session: Session, month: str, purpose: str, figure: Figure, value: float) -> None:
    row = session.get(AuditSum, (month, purpose, figure.value))
    if row is None:
        session.add(AuditSum(month=month, purpose=purpose, figure=figure.value, value=value))
    else:
        row.value += value


def _case(session: Session, record: AuditRecord) -> AuditCase | None:
    """Return what is known of the record's case: of the authorisation where it names one, else of the request."""
    case_id = record.optional_authorisation_id or record.optional_request_id
    if not case_id:
        return None
    case = session.get(AuditCase, case_id)
    if case is None:
        purpose = record.optional_purpose
        if not purpose and record.optional_request_id not in {"", case_id}:
            request = session.get(AuditCase, record.optional_request_id)
            purpose = request.purpose if request else ""
        if not purpose:
            # Nothing to count it under: a look at what does not exist, say.
            return None
        case = AuditCase(case_id=case_id, purpose=purpose)
        session.add(case)
    return case


def _follow(case: AuditCase, record: AuditRecord, at: datetime) -> None:
    """Note the end of a case and what is gone since, the first time that each is told."""
    if record.action in _ENDS:
        case.ended_at = case.ended_at or at
    elif record.action == audit_pb2.AUDIT_ACTION_DELETED and record.optional_code == _PHOTOS_GONE:
        case.photos_gone_at = case.photos_gone_at or at
    elif record.action == audit_pb2.AUDIT_ACTION_DELETED and record.optional_code == _TEMPLATES_GONE:
        case.templates_gone_at = case.templates_gone_at or at
    if case.gone_after_s is None and case.ended_at and case.photos_gone_at and case.templates_gone_at:
        gone_at = max(case.photos_gone_at, case.templates_gone_at)
        case.month = month_of(case.ended_at)
        # Retention sees the clock run out by itself, maybe before the end is recorded.
        case.gone_after_s = max(0.0, (gone_at - case.ended_at).total_seconds())
