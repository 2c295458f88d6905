"""The log as auditors read it: filtered, a page at a time, newest first; and each look is recorded."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

from sqlalchemy import ColumnElement, func, literal, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from homeward.access.audit.tables import AuditCheckpoint, AuditLine
from homeward.access.audit.tree import StoredTree
from homeward.access.database.base import Instant
from homeward.access.database.database import Database
from homeward.access.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from homeward.access.people.principal import Principal, Role
from homeward.shared.audit import Audit, Entry
from homeward.shared.audit_log.checkpoint import SignedCheckpoint
from homeward.shared.instants import format_instant, parse_instant
from homewardapi.audit.v1 import audit_pb2
from homewardapi.audit.v1.audit_pb2 import AuditAction, AuditOutcome

PAGE_SIZE: Final = 50

_BEFORE_ALL: Final = datetime(1970, 1, 1, tzinfo=UTC)

_SHOWN_APART: Final = ("index", "previous", "record_id", "recorded_at", "actor_id", "action", "outcome")


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which lines: all that are given must hold. `since` is within, `until` is not."""

    action: AuditAction.ValueType | None = None
    outcome: AuditOutcome.ValueType | None = None
    actor_id: str | None = None
    request_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def empty(self) -> bool:
        """Whether every line passes."""
        return self == AuditFilter()

    @property
    def time(self) -> InstrumentedAttribute[Any]:
        """The column by which what passes is in order: refusals, which are few, have their own, and its indexes."""
        return AuditLine.refused_at if self._denied else AuditLine.recorded_at

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what SQL has to hold.

        A database that knows nothing of how often a value comes takes any index that fits, be it a third of the log:
        only the narrowest filter, and what its index holds beside it, is said so that an index can be used.
        """
        if self.request_id is not None:
            indexed = {"request_id"}
        elif self._denied and self.actor_id is not None:
            indexed = {"actor_id"}
        else:
            indexed = {"actor_id", "action"}
        conditions: list[ColumnElement[bool]] = []
        for name in ("request_id", "actor_id", "action", "outcome"):
            column, value = getattr(AuditLine, name), getattr(self, name)
            if value is not None:
                conditions.append((column if name in indexed else func.coalesce(column, column)) == value)
        if self.since is not None or self._denied:
            conditions.append(self.time >= (self.since or _BEFORE_ALL))
        if self.until is not None:
            conditions.append(self.time < self.until)
        return conditions

    @property
    def _denied(self) -> bool:
        return self.outcome == audit_pb2.AUDIT_OUTCOME_DENIED and self.request_id is None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ends: after the line `number`, recorded at `at`."""

    at: datetime
    number: int

    def __str__(self) -> str:
        """Return the place as it stands in an address."""
        return f"{format_instant(self.at)}-{self.number}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the place that `str` wrote; raise InvalidError for anything else."""
        at, _, number = text.partition("-")
        try:
            place = cls(parse_instant(at), int(number))
        except ValueError as error:
            raise InvalidError("after", "this is no place in the log", field="after") from error
        if str(place) != text or not 0 <= place.number < 2**63:
            raise InvalidError("after", "this is no place in the log", field="after")
        return place


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One line, read. `facts` is what it says beside who, what, when and whether."""

    number: int
    record_id: str
    recorded_at: datetime
    actor_id: str
    action: str
    outcome: str
    facts: Mapping[str, str | int | float]

    @classmethod
    def of(cls, line: bytes) -> Self:
        """Return a stored line."""
        told = json.loads(line)
        return cls(
            told["index"],
            told["record_id"],
            parse_instant(told["recorded_at"]),
            told["actor_id"],
            told["action"],
            told["outcome"],
            {name: value for name, value in told.items() if name not in _SHOWN_APART},
        )


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Some lines, newest first; `after` is where older ones begin, None where there are none."""

    rows: Sequence[AuditRow]
    after: Place | None


@dataclass(frozen=True, slots=True)
class AuditProof:
    """One line, its bytes as hashed, and the proof that it stands in the log of `signed`."""

    row: AuditRow
    line: str
    path: Sequence[bytes]
    signed: SignedCheckpoint


class AuditLog:
    """What auditors may do with the log. Every method records the look before it answers.

    Each raises ForbiddenError for whoever is no auditor, AuditUnavailableError and DatabaseAwayError.
    """

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    def page(
        self, principal: Principal, wanted: AuditFilter, after: Place | None = None, size: int = PAGE_SIZE
    ) -> AuditPage:
        """Return `size` lines at most that pass `wanted`, older than `after`."""
        self._look(principal, code="page", request_id=wanted.request_id)
        conditions = wanted.conditions()
        if after is not None:
            here = tuple_(literal(after.at, Instant()), literal(after.number))
            conditions.append(tuple_(wanted.time, AuditLine.number) < here)
        query = (
            select(AuditLine.line, AuditLine.recorded_at, AuditLine.number)
            .where(*conditions)
            .order_by(wanted.time.desc(), AuditLine.number.desc())
            .limit(size + 1)
        )
        with self._database.read() as session:
            found = session.execute(query).all()
        last = found[size - 1] if len(found) > size else None
        rows = [AuditRow.of(one.line) for one in found[:size]]
        return AuditPage(rows, None if last is None else Place(last.recorded_at, last.number))

    def proof(self, principal: Principal, number: int) -> AuditProof:
        """Return the proof of line `number` in the newest signed log.

        Raises NotFoundError where there is no such line, ConflictError while none is signed that holds it.
        """
        self._look(principal, code="proof")
        with self._database.read() as session:
            line = session.scalar(select(AuditLine.line).where(AuditLine.number == number))
            if line is None:
                raise NotFoundError("record", "there is no such record")
            signed = newest(session)
            if number >= signed.checkpoint.size:
                raise ConflictError("not_signed", "this record is not signed yet; try again in a minute")
            path = StoredTree(session).inclusion(number, signed.checkpoint.size)
        return AuditProof(AuditRow.of(line), line.decode(), path, signed)

    def consistency(self, principal: Principal, old: int) -> tuple[Sequence[bytes], SignedCheckpoint]:
        """Return the proof that the log of `old` lines is the beginning of the newest signed one, and that.

        Raises InvalidError for a size that the log did not have yet, ConflictError while nothing is signed.
        """
        self._look(principal, code="consistency")
        with self._database.read() as session:
            signed = newest(session)
            if not 0 < old <= signed.checkpoint.size:
                raise InvalidError("old", "no log of this size was signed yet", field="old")
            return StoredTree(session).consistency(old, signed.checkpoint.size), signed

    def _look(self, principal: Principal, *, code: str, request_id: str | None = None) -> None:
        require_auditor(principal, self._audit)
        self._audit.record(
            Entry(audit_pb2.AUDIT_ACTION_AUDIT_VIEWED, principal.official_id, code=code, request_id=request_id)
        )


def require_auditor(principal: Principal, audit: Audit) -> None:
    """Return for an auditor; record the refusal of anybody else and raise ForbiddenError."""
    if not principal.has(Role.AUDITOR):
        denied = audit_pb2.AUDIT_OUTCOME_DENIED
        audit.record(Entry(audit_pb2.AUDIT_ACTION_ACCESS_REFUSED, principal.official_id, denied, code="role"))
        raise ForbiddenError("role", "this needs the role of auditor")


def newest(session: Session) -> SignedCheckpoint:
    """Return the newest checkpoint; raise ConflictError while there is none."""
    note = session.scalar(select(AuditCheckpoint.note).order_by(AuditCheckpoint.size.desc()).limit(1))
    if note is None:
        raise ConflictError("not_signed", "nothing of the log is signed yet; try again in a minute")
    return SignedCheckpoint.parse(note)
