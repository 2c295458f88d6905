"""The log in SQL: its lines, the hashes over them, what was signed, and the sums for the public report."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Double,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    event,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from homeward.access.database.base import Base, Instant

_BIG: Final = BigInteger().with_variant(Integer, "sqlite")


def _of_refusals(name: str, *columns: str) -> Index:
    some = text("refused_at IS NOT NULL")
    return Index(name, *columns, "refused_at", "number", sqlite_where=some, postgresql_where=some)


class AuditLine(Base):
    """One line of the log. Rows are added and never changed; the database itself refuses it.

    `line` is the leaf's bytes. The other columns repeat what it says, for filters: `refused_at` is when it was
    recorded where it was refused, `request_id` the record's authorisation where it names no request.
    """

    __tablename__ = "audit_lines"

    number: Mapped[int] = mapped_column(_BIG, primary_key=True, autoincrement=False)
    record_id: Mapped[str] = mapped_column(String(36), unique=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    line: Mapped[bytes] = mapped_column(LargeBinary)
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    action: Mapped[int] = mapped_column(SmallInteger)
    outcome: Mapped[int] = mapped_column(SmallInteger)
    refused_at: Mapped[datetime | None] = mapped_column(Instant)
    actor_id: Mapped[str] = mapped_column(String(64))
    request_id: Mapped[str | None] = mapped_column(String(36))

    # A page is read backwards from a place in time, so that each filter is one range of one index. Refusals are few,
    # and have small indexes of their own.
    __table_args__ = (
        Index("ix_audit_lines_time", "recorded_at", "number"),
        Index("ix_audit_lines_action", "action", "recorded_at", "number"),
        Index("ix_audit_lines_actor", "actor_id", "recorded_at", "number"),
        Index("ix_audit_lines_actor_action", "actor_id", "action", "recorded_at", "number"),
        Index("ix_audit_lines_request", "request_id", "recorded_at", "number"),
        _of_refusals("ix_audit_lines_denied"),
        _of_refusals("ix_audit_lines_denied_actor", "actor_id"),
        _of_refusals("ix_audit_lines_denied_action", "action"),
    )


class AuditNode(Base):
    """The hash of a perfect subtree of each eighth level, so that a proof reads some hundred rows and not all."""

    __tablename__ = "audit_nodes"

    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    place: Mapped[int] = mapped_column(_BIG, primary_key=True, autoincrement=False)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))


class AuditTree(Base):
    """The one row with the tree's size, its peaks one after the other, and the last line's hash."""

    __tablename__ = "audit_tree"

    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    size: Mapped[int] = mapped_column(_BIG)
    peaks: Mapped[bytes] = mapped_column(LargeBinary)
    last: Mapped[bytes] = mapped_column(LargeBinary(32))


class AuditCheckpoint(Base):
    """A checkpoint that was signed and stands in the bucket."""

    __tablename__ = "audit_checkpoints"

    size: Mapped[int] = mapped_column(_BIG, primary_key=True, autoincrement=False)
    signed_at: Mapped[datetime] = mapped_column(Instant)
    note: Mapped[str] = mapped_column(Text)


class AuditSum(Base):
    """One figure of one month ("2026-11", UTC) and purpose ("" where there is none), summed as lines come."""

    __tablename__ = "audit_sums"

    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(32), primary_key=True)
    figure: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[float] = mapped_column(Double)


class AuditCase(Base):
    """What is needed of one request or authorisation to tell how soon after its end nothing was left of it."""

    __tablename__ = "audit_cases"

    case_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(32))
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    photos_gone_at: Mapped[datetime | None] = mapped_column(Instant)
    templates_gone_at: Mapped[datetime | None] = mapped_column(Instant)
    month: Mapped[str | None] = mapped_column(String(7))
    gone_after_s: Mapped[float | None] = mapped_column(Double)

    __table_args__ = (
        Index("ix_audit_cases_month", "purpose", "month", "gone_after_s"),
        Index("ix_audit_cases_gone", "purpose", "gone_after_s"),
    )


_REFUSE: Final = "the audit log is never changed"
_TRIGGER: Final = "CREATE TRIGGER audit_lines_no_{0} BEFORE {0} ON audit_lines BEGIN SELECT RAISE(ABORT, '{1}'); END"
_FUNCTION: Final = (
    "CREATE FUNCTION audit_lines_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{_REFUSE}'; END $$"
)
_STATEMENT_TRIGGER: Final = (
    "CREATE TRIGGER audit_lines_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_lines "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_lines_refuse()"
)

APPEND_ONLY: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "sqlite": (_TRIGGER.format("UPDATE", _REFUSE), _TRIGGER.format("DELETE", _REFUSE)),
        "postgresql": (_FUNCTION, _STATEMENT_TRIGGER),
    }
)
"""The statements, by SQL dialect, with which the database refuses to change lines; a migration runs them too."""


def _refuse_changes(_: object, connection: Connection, **__: object) -> None:
    for statement in APPEND_ONLY[connection.dialect.name]:
        connection.exec_driver_sql(statement)


event.listen(AuditLine.__table__, "after_create", _refuse_changes)
