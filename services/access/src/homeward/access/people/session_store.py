"""Sessions: opened at sign-in, found by their token, ended by time, by sign-out, or everywhere at once."""

import hashlib
import json
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from homeward.access.database.database import Database
from homeward.access.people.identity import Identity
from homeward.access.people.officials import Officials
from homeward.access.people.ports import RoleTable
from homeward.access.people.principal import Principal
from homeward.access.people.tables import AnswerRow, SessionRow
from homeward.shared.audit import Audit, Entry
from homeward.shared.clock import Clock
from homewardapi.audit.v1 import audit_pb2

_TOKEN_BYTES: Final = 32
_TOUCH: Final = timedelta(minutes=1)
"""How exact the last use of a session is: one write a minute and session, not one a request."""

_ANSWER_KEPT: Final = timedelta(hours=1)
"""Longer than any provider honours a code."""


class AnswerUsedError(Exception):
    """An answer of the provider that was shown a second time."""


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session just opened; `token` is the browser's and stands nowhere else."""

    token: str
    principal: Principal


class Sessions:
    """The sessions of every official. Safe to use from several threads."""

    def __init__(
        self,
        database: Database,
        audit: Audit,
        clock: Clock,
        roles: RoleTable,
        *,
        idle: timedelta,
        lifetime: timedelta,
        most: int,
    ) -> None:
        """A session ends `idle` after its last request and `lifetime` after its first; an official has `most`."""
        self._database = database
        self._audit = audit
        self._clock = clock
        self._roles = roles
        self._idle = idle
        self._lifetime = lifetime
        self._most = most

    def open(self, identity: Identity, answer: str, replaced: str | None = None) -> OpenedSession:
        """Open a session under a new token and end the one of the token `replaced`, the browser's until now.

        `answer` is the state of the provider's answer. Raises AnswerUsedError when it opened a session before,
        AuditUnavailableError and DatabaseAwayError; then there is no session.
        """
        now = self._clock.now()
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        row = SessionRow(
            session_id=str(uuid.uuid4()),
            token_hash=_hash(token),
            official_id=identity.official_id,
            name=identity.name,
            groups=json.dumps(list(identity.groups)),
            opened_at=now,
            last_seen_at=now,
            expires_at=now + self._lifetime,
        )
        with self._database.begin() as session:
            self._use(session, answer, now)
            session.execute(
                delete(SessionRow).where(or_(~self._alive(), SessionRow.token_hash == _hash(replaced or "")))
            )
            self._make_room(session, identity.official_id)
            session.add(row)
            Officials.signed_in(session, identity, now)
            session.flush()
            self._audit.record(Entry(audit_pb2.AUDIT_ACTION_SIGNED_IN, identity.official_id, nonce=row.session_id))
        return OpenedSession(token, self._principal(row))

    def find(self, token: str) -> Principal | None:
        """Return whose session `token` is, with the roles of the policy in force; None when it ended or never was."""
        now = self._clock.now()
        with self._database.read() as session:
            row = session.scalar(select(SessionRow).where(SessionRow.token_hash == _hash(token), self._alive()))
        if row is None:
            return None
        if now - row.last_seen_at >= _TOUCH:
            with self._database.begin() as session:
                session.execute(
                    update(SessionRow).where(SessionRow.session_id == row.session_id).values(last_seen_at=now)
                )
        return self._principal(row)

    def is_live(self, principal: Principal) -> bool:
        """Return whether the session of `principal` stands, for answers that last: ask every few seconds.

        Does not count as a use of the session. A bearer token has no session; it is judged at each request.
        """
        if principal.session_id is None:
            return True
        query = select(SessionRow.session_id).where(SessionRow.session_id == principal.session_id, self._alive())
        with self._database.read() as session:
            return session.scalar(query) is not None

    def end(self, principal: Principal) -> None:
        """End the session of `principal`; raise AuditUnavailableError and DatabaseAwayError, it then goes on."""
        with self._database.begin() as session:
            session.execute(delete(SessionRow).where(SessionRow.session_id == principal.session_id))
            self._audit.record(Entry(audit_pb2.AUDIT_ACTION_SIGNED_OUT, principal.official_id))

    def end_everywhere(self, principal: Principal) -> None:
        """End every session of `principal`, and refuse the bearer tokens issued to them until now.

        Raises AuditUnavailableError and DatabaseAwayError; then nothing has ended.
        """
        with self._database.begin() as session:
            session.execute(delete(SessionRow).where(SessionRow.official_id == principal.official_id))
            Officials.signed_out(session, principal, self._clock.now())
            session.flush()
            self._audit.record(Entry(audit_pb2.AUDIT_ACTION_SIGNED_OUT, principal.official_id, code="everywhere"))

    def _use(self, session: Session, answer: str, now: datetime) -> None:
        session.execute(delete(AnswerRow).where(AnswerRow.expires_at <= now))
        try:
            with session.begin_nested():
                session.add(AnswerRow(state_hash=_hash(answer), expires_at=now + _ANSWER_KEPT))
        except IntegrityError:
            raise AnswerUsedError("the provider's answer signed somebody in before") from None

    def _alive(self) -> ColumnElement[bool]:
        now = self._clock.now()
        return (SessionRow.expires_at > now) & (SessionRow.last_seen_at > now - self._idle)

    def _make_room(self, session: Session, official_id: str) -> None:
        # The oldest go, so that tokens left in forgotten browsers do not pile up.
        of_theirs = select(SessionRow.session_id).where(SessionRow.official_id == official_id)
        oldest_last = of_theirs.order_by(SessionRow.opened_at.desc(), SessionRow.session_id)
        kept = list(session.scalars(oldest_last))
        session.execute(delete(SessionRow).where(SessionRow.session_id.in_(kept[self._most - 1 :])))

    def _principal(self, row: SessionRow) -> Principal:
        roles, rank = self._roles.roles_of(json.loads(row.groups))
        return Principal(row.official_id, row.name, roles, rank, row.session_id)


def _hash(token: str) -> str:
    # The token has 256 random bits: a plain hash cannot be searched, and a copy of the table opens nothing.
    return hashlib.sha256(token.encode()).hexdigest()
