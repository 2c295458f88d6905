"""Folds audit records into the log: an event in, one line more."""

import json
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from homeward.access.audit.sums import count
from homeward.access.audit.tables import AuditLine
from homeward.access.audit.tree import frontier_of, keep_frontier
from homeward.access.database.database import Database, DatabaseAwayError
from homeward.shared.audit_log.line import NO_LINE, write_line
from homeward.shared.audit_log.merkle import leaf_hash
from homeward.shared.events import Event, InvalidEventError
from homeward.shared.instants import from_timestamp
from homeward.shared.runtime.handler import RetryableError
from homewardapi.audit.v1.audit_pb2 import AUDIT_OUTCOME_DENIED, AuditRecord

_OF_ITS_PLACE = ("index", "previous", "recorded_at")
"""What may differ between a record and the same record told again."""


class AuditFolder:
    """Handles `homeward.audit.v1`, whose one partition gives the lines their order.

    A line, its hashes and its sums are one transaction. A record that comes again, after a crash on either side, is
    recognised by its id.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def handle(self, event: Event) -> Sequence[Event]:
        """Append one record; return nothing that follows.

        Raises RetryableError while the database is away or another replica still folds, InvalidEventError for a record
        that bears another's id.
        """
        record = event.message
        if not isinstance(record, AuditRecord):
            raise InvalidEventError("the event holds no audit record")
        try:
            with self._database.begin() as session:
                append(session, record)
        except DatabaseAwayError as error:
            raise RetryableError("the database is away") from error
        except IntegrityError as error:
            # Whoever lost the partition may still have been at work; what it wrote is there at the next try.
            raise RetryableError("another replica has appended meanwhile") from error
        return []


def append(session: Session, record: AuditRecord) -> None:
    """Append one record in the transaction of `session`; raise InvalidEventError as `AuditFolder.handle` does."""
    # The tree's row is locked first, so that whoever else appends waits.
    frontier, previous = frontier_of(session, locked=True)
    known = session.scalar(select(AuditLine.line).where(AuditLine.record_id == record.record_id))
    if known is not None:
        if _facts(known) != _facts(write_line(record, 0, NO_LINE)):
            raise InvalidEventError("the record bears the id of another record")
        return
    line = write_line(record, frontier.size, previous)
    digest = leaf_hash(line)
    recorded_at = from_timestamp(record.recorded_at)
    session.add(
        AuditLine(
            number=frontier.size,
            record_id=record.record_id,
            digest=digest,
            line=line,
            recorded_at=recorded_at,
            action=record.action,
            outcome=record.outcome,
            refused_at=recorded_at if record.outcome == AUDIT_OUTCOME_DENIED else None,
            actor_id=record.actor_id,
            request_id=record.optional_request_id or record.optional_authorisation_id or None,
        )
    )
    keep_frontier(session, *frontier.grown(digest))
    count(session, record)


def _facts(line: bytes) -> dict[str, object]:
    return {name: value for name, value in json.loads(line).items() if name not in _OF_ITS_PLACE}
