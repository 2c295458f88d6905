"""Footage opened to somebody: given by an approval, enforced at every look."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from homeward.access.database.database import Database
from homeward.access.errors import ForbiddenError
from homeward.access.footage.tables import GrantRow
from homeward.access.people.principal import Principal
from homeward.shared.audit import Audit, Entry
from homeward.shared.clock import Clock
from homewardapi.audit.v1 import audit_pb2


@dataclass(frozen=True, slots=True)
class GrantView:
    """One camera's footage as it is open to whoever asks; without `unredacted` every face is covered."""

    grant_id: str
    request_id: str
    camera_id: str
    starts_at: datetime
    ends_at: datetime
    until: datetime
    unredacted: bool


class Grants:
    """Gives and takes back, within the transaction of the decision that does so."""

    def give(
        self,
        session: Session,
        *,
        request_id: str,
        official_id: str,
        camera_ids: Sequence[str],
        starts_at: datetime,
        ends_at: datetime,
        until: datetime,
        unredacted: bool,
        now: datetime,
    ) -> None:
        """Open the footage of `camera_ids` in [starts_at, ends_at) to an official until `until`.

        `unredacted` shows faces; without it every face is covered.
        """
        for camera_id in camera_ids:
            session.add(
                GrantRow(
                    grant_id=str(uuid4()),
                    request_id=request_id,
                    official_id=official_id,
                    camera_id=camera_id,
                    starts_at=starts_at,
                    ends_at=ends_at,
                    until=until,
                    unredacted=unredacted,
                    given_at=now,
                )
            )

    def end(self, session: Session, request_id: str, now: datetime) -> None:
        """Take back whatever was granted for a request; nothing granted is no error."""
        query = update(GrantRow).where(GrantRow.request_id == request_id, GrantRow.ended_at.is_(None))
        session.execute(query.values(ended_at=now))


class FootageGate:
    """Says what footage is open to whom, now. Whatever serves footage asks here, each time."""

    def __init__(self, database: Database, audit: Audit, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock

    def open_to(self, principal: Principal) -> list[GrantView]:
        """Return the grants in force of `principal`, by when they end."""
        now = self._clock.now()
        query = (
            select(GrantRow)
            .where(GrantRow.official_id == principal.official_id, GrantRow.until > now, GrantRow.ended_at.is_(None))
            .order_by(GrantRow.until, GrantRow.camera_id, GrantRow.starts_at)
        )
        with self._database.read() as session:
            return [_view(row) for row in session.scalars(query)]

    def permit(self, principal: Principal, camera_id: str, starts_at: datetime, ends_at: datetime) -> GrantView:
        """Return the grant by which `principal` may look at [starts_at, ends_at) of a camera, once that is recorded.

        The whole window must lie in one grant; of several, the one that shows the most is taken.
        Raises ForbiddenError, recorded as a refusal, and AuditUnavailableError: then nothing is shown.
        """
        found = [
            grant
            for grant in self.open_to(principal)
            if grant.camera_id == camera_id and grant.starts_at <= starts_at < ends_at <= grant.ends_at
        ]
        if not found:
            self._audit.record(
                Entry(
                    audit_pb2.AUDIT_ACTION_FOOTAGE_VIEWED,
                    principal.official_id,
                    audit_pb2.AUDIT_OUTCOME_DENIED,
                    camera_id=camera_id,
                    code="grant",
                )
            )
            raise ForbiddenError("grant", "no approval opens this camera at this time to you; make a request")
        grant = max(found, key=lambda one: one.unredacted)
        self._audit.record(
            Entry(
                audit_pb2.AUDIT_ACTION_FOOTAGE_VIEWED,
                principal.official_id,
                request_id=grant.request_id,
                camera_id=camera_id,
                code="unredacted" if grant.unredacted else "redacted",
            )
        )
        return grant


def _view(row: GrantRow) -> GrantView:
    return GrantView(row.grant_id, row.request_id, row.camera_id, row.starts_at, row.ends_at, row.until, row.unredacted)
