"""Requests, what was decided of them, their photos and the footage held for them."""

from datetime import date, datetime

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from homeward.access.database.base import Base, Instant

_NUMBER = BigInteger().with_variant(Integer, "sqlite")


class CaseRow(Base):
    """One request. `request_id` is the id of its authorisation too.

    `expires_at` is when it ends by itself as it stands, None once it has ended. `texts_until` is when what people
    wrote is erased, None before the end and after the erasure; the texts are None then, and so is the salt, without
    which nobody can try out what the digest was of. `secret_hash` and `salt` are of random numbers of 128 bits.
    """

    __tablename__ = "cases"
    __table_args__ = (
        Index("ix_cases_state_submitted_at", "state", "submitted_at"),
        Index("ix_cases_requester_id_submitted_at", "requester_id", "submitted_at"),
    )

    request_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    reference: Mapped[str] = mapped_column(String(16), unique=True)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    receipt_issued_at: Mapped[datetime] = mapped_column(Instant)
    purpose: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    urgent: Mapped[bool]
    requester_id: Mapped[str] = mapped_column(String(64))
    requester_rank: Mapped[str] = mapped_column(String(20))
    needed_rank: Mapped[str] = mapped_column(String(20))
    case_reference: Mapped[str | None] = mapped_column(String(100))
    reason: Mapped[str | None] = mapped_column(Text)
    details: Mapped[str | None] = mapped_column(Text)
    salt: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    digest: Mapped[str] = mapped_column(String(64))
    asked_camera_ids: Mapped[list[str]] = mapped_column(JSON)
    asked_starts_at: Mapped[datetime] = mapped_column(Instant)
    asked_ends_at: Mapped[datetime | None] = mapped_column(Instant)
    asked_lifetime_s: Mapped[int]
    asked_unredacted: Mapped[bool]
    camera_ids: Mapped[list[str]] = mapped_column(JSON)
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime | None] = mapped_column(Instant)
    lifetime_s: Mapped[int]
    unredacted: Mapped[bool]
    submitted_at: Mapped[datetime] = mapped_column(Instant, index=True)
    decide_by: Mapped[datetime] = mapped_column(Instant)
    urgent_deadline: Mapped[datetime | None] = mapped_column(Instant)
    opened_at: Mapped[datetime | None] = mapped_column(Instant)
    expires_at: Mapped[datetime | None] = mapped_column(Instant, index=True)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    texts_until: Mapped[datetime | None] = mapped_column(Instant, index=True)
    due_at: Mapped[datetime | None] = mapped_column(Instant)


class DecisionRow(Base):
    """What an official did with a request."""

    __tablename__ = "case_decisions"

    number: Mapped[int] = mapped_column(_NUMBER, primary_key=True, autoincrement=True)
    request_id: Mapped[str] = mapped_column(ForeignKey("cases.request_id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    official_id: Mapped[str] = mapped_column(String(64))
    official_rank: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(Instant)


class PhotoRow(Base):
    """A reference photo. `data` is there until the request starts or ends; while it runs, the object store has it."""

    __tablename__ = "case_photos"

    request_id: Mapped[str] = mapped_column(ForeignKey("cases.request_id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    source: Mapped[str | None] = mapped_column(Text)
    taken_on: Mapped[date]
    data: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)


class HoldRow(Base):
    """Footage held for a request; `released_at` is None while it is."""

    __tablename__ = "case_holds"

    hold_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    request_id: Mapped[str] = mapped_column(ForeignKey("cases.request_id"), unique=True)
    camera_ids: Mapped[list[str]] = mapped_column(JSON)
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    released_at: Mapped[datetime | None] = mapped_column(Instant, index=True)


class PolicyRow(Base):
    """A policy that came into force."""

    __tablename__ = "policies"

    number: Mapped[int] = mapped_column(_NUMBER, primary_key=True, autoincrement=True)
    digest: Mapped[str] = mapped_column(String(64))
    version: Mapped[str] = mapped_column(String(50))
    in_force_since: Mapped[datetime] = mapped_column(Instant)
