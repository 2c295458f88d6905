"""Who has signed in: sessions, the answers that opened them, and officials by name."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from homeward.access.database.base import Base, Instant


class SessionRow(Base):
    """One session of one browser. The token itself is in the browser alone: here is its SHA-256."""

    __tablename__ = "sessions"

    session_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    official_id: Mapped[str] = mapped_column(String(36), index=True)
    name: Mapped[str] = mapped_column(String(200))
    groups: Mapped[str] = mapped_column(Text)
    """The provider's groups as a JSON list; roles are read from them at each request, by the policy in force."""
    opened_at: Mapped[datetime] = mapped_column(Instant)
    last_seen_at: Mapped[datetime] = mapped_column(Instant, index=True)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)


class AnswerRow(Base):
    """One answer of the provider that signed somebody in, by the SHA-256 of its state: it counts once."""

    __tablename__ = "sign_in_answers"

    state_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)


class OfficialRow(Base):
    """Somebody who has signed in, by name for the console's pages."""

    __tablename__ = "officials"

    official_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    last_signed_in_at: Mapped[datetime] = mapped_column(Instant)
    signed_out_at: Mapped[datetime | None] = mapped_column(Instant)
    """When they last signed out everywhere: bearer tokens issued until then are refused."""
