"""What is recorded of each camera's time, and who may look at what."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from homeward.access.database.base import Base, Instant


class RunRow(Base):
    """A stretch of a camera's time: clips that touch, or a gap. `cause` is the contract's GapCause, None for footage.

    Stretches of one camera may lie over one another, as recorders tell them; who reads them resolves that.
    """

    __tablename__ = "camera_runs"
    __table_args__ = (Index("ix_camera_runs_camera_id_ends_at", "camera_id", "ends_at"),)

    run_id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    camera_id: Mapped[str] = mapped_column(String(63))
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    cause: Mapped[int | None] = mapped_column(Integer)
    epoch: Mapped[int] = mapped_column(BigInteger)


class GrantRow(Base):
    """One camera's footage opened to one official: [starts_at, ends_at), until `until` or until it is taken back."""

    __tablename__ = "grants"
    __table_args__ = (Index("ix_grants_official_id_until", "official_id", "until"),)

    grant_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    request_id: Mapped[str] = mapped_column(String(36), index=True)
    official_id: Mapped[str] = mapped_column(String(64))
    camera_id: Mapped[str] = mapped_column(String(63))
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    until: Mapped[datetime] = mapped_column(Instant)
    unredacted: Mapped[bool] = mapped_column(Boolean)
    given_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
