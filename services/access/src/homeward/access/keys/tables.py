"""The signing keys: their public halves, and when each signs."""

from datetime import datetime

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from homeward.access.database.base import Base, Instant


class KeyRow(Base):
    """One key, which signs from `signs_from` until the next one does.

    `stopped_at` is when its private half was destroyed, `withdrawn_at` when its signatures ceased to count.
    """

    __tablename__ = "signing_keys"

    key_id: Mapped[str] = mapped_column(String(43), primary_key=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary(32))
    made_at: Mapped[datetime] = mapped_column(Instant)
    signs_from: Mapped[datetime] = mapped_column(Instant)
    stopped_at: Mapped[datetime | None] = mapped_column(Instant)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
