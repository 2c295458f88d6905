"""Footage held for whoever asked for their own: from the moment of the request, until nobody needs it."""

from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from homeward.access.cases.policy import SubjectAccessPolicy
from homeward.access.cases.scope import Scope
from homeward.access.cases.tables import HoldRow
from homeward.access.outbox.outbox import SOURCE, enqueue
from homeward.shared.audit import Entry
from homeward.shared.events import new_event
from homeward.shared.ids import state_event_id
from homeward.shared.instants import to_timestamp
from homeward.shared.topics import HOLDS
from homewardapi.audit.v1 import audit_pb2
from homewardapi.hold.v1.hold_pb2 import Hold, HoldState


def place(session: Session, request_id: str, scope: Scope, now: datetime, policy: SubjectAccessPolicy) -> HoldRow:
    """Hold what `scope` names, in the transaction of the request itself."""
    row = HoldRow(
        hold_id=str(uuid4()),
        request_id=request_id,
        camera_ids=list(scope.camera_ids),
        starts_at=scope.starts_at,
        ends_at=scope.window_ends_at(now),
        expires_at=now + timedelta(days=policy.hold_days),
        released_at=None,
    )
    session.add(row)
    _tell(session, row, HoldState.HOLD_STATE_PLACED, now)
    return row


def of_request(session: Session, request_id: str) -> HoldRow | None:
    """Return the hold of a request, None where it has none."""
    return session.scalars(select(HoldRow).where(HoldRow.request_id == request_id)).one_or_none()


def shorten(session: Session, row: HoldRow, expires_at: datetime, now: datetime) -> None:
    """Have a hold end by itself at `expires_at`, unless it ends before."""
    if row.released_at is None and expires_at < row.expires_at:
        row.expires_at = expires_at
        _tell(session, row, HoldState.HOLD_STATE_PLACED, now)


def release(session: Session, row: HoldRow, at: datetime) -> bool:
    """End a hold; return whether it was in force."""
    if row.released_at is not None:
        return False
    row.released_at = at
    _tell(session, row, HoldState.HOLD_STATE_RELEASED, at)
    return True


def released(row: HoldRow, actor_id: str, code: str) -> Entry:
    """Return the record of the end of a hold."""
    return Entry(
        audit_pb2.AUDIT_ACTION_HOLD_RELEASED, actor_id, request_id=row.request_id, hold_id=row.hold_id, code=code
    )


def _tell(session: Session, row: HoldRow, state: HoldState.ValueType, at: datetime) -> None:
    hold = Hold(
        hold_id=row.hold_id,
        camera_ids=row.camera_ids,
        starts_at=to_timestamp(row.starts_at),
        ends_at=to_timestamp(row.ends_at),
        state=state,
        expires_at=to_timestamp(row.expires_at),
        changed_at=to_timestamp(at),
    )
    enqueue(session, new_event(HOLDS, state_event_id("hold", row.hold_id, at), SOURCE, at, hold))
