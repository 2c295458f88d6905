"""Officials by name, and when their bearer tokens stopped to count."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from homeward.access.database.database import Database
from homeward.access.people.identity import Identity
from homeward.access.people.principal import Principal
from homeward.access.people.tables import OfficialRow


class Officials:
    """Everybody who has signed in. Their names are for pages alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def names(self, official_ids: Collection[str]) -> Mapping[str, str]:
        """Return the names of those of `official_ids` who have signed in; raise DatabaseAwayError."""
        query = select(OfficialRow.official_id, OfficialRow.name).where(OfficialRow.official_id.in_(official_ids))
        with self._database.read() as session:
            return {row.official_id: row.name for row in session.execute(query)}

    def signed_out_at(self, official_id: str) -> datetime | None:
        """Return when somebody last signed out everywhere, None for never; raise DatabaseAwayError."""
        query = select(OfficialRow.signed_out_at).where(OfficialRow.official_id == official_id)
        with self._database.read() as session:
            return session.scalar(query)

    @staticmethod
    def signed_in(session: Session, identity: Identity, now: datetime) -> None:
        """Keep the name of somebody who signs in, within the transaction of `session`."""
        row = _row(session, identity.official_id, identity.name, now)
        row.name = identity.name
        row.last_signed_in_at = now

    @staticmethod
    def signed_out(session: Session, principal: Principal, now: datetime) -> None:
        """Keep that somebody signed out everywhere, within the transaction of `session`."""
        _row(session, principal.official_id, principal.name, now).signed_out_at = now


def _row(session: Session, official_id: str, name: str, now: datetime) -> OfficialRow:
    row = session.get(OfficialRow, official_id)
    if row is not None:
        return row
    try:
        with session.begin_nested():
            row = OfficialRow(official_id=official_id, name=name, last_signed_in_at=now, signed_out_at=None)
            session.add(row)
    except IntegrityError:
        # Another sign-in of theirs was faster.
        return session.get_one(OfficialRow, official_id)
    return row
