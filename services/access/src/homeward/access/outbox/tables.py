"""Events that wait for their way out."""

from datetime import datetime

from sqlalchemy import BigInteger, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from homeward.access.database.base import Base, Instant


class OutboxRow(Base):
    """One event, written in the transaction of the decision that it tells; gone once it is delivered."""

    __tablename__ = "outbox"

    number: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    topic: Mapped[str] = mapped_column(String(100))
    event_id: Mapped[str] = mapped_column(String(36))
    key: Mapped[str] = mapped_column(String(100))
    occurred_at: Mapped[datetime] = mapped_column(Instant)
    value: Mapped[bytes | None] = mapped_column(LargeBinary)
