"""Sightings, what reviewers said of them, and how far searches have come."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Float, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from homeward.access.database.base import Base, Instant
from homeward.access.review.verdict import Verdict


class SightingRow(Base):
    """One sighting, folded from its event.

    `request_id` is the authorisation's id too. `rank` orders a search's sightings, highest first, ties by `score`:
    neither ever changes, so an order that somebody reads tells nothing of answers. `arrived` and `decided` are numbers
    of the search's feed, which counts only what every reviewer may know of. The crop's columns are None once
    forgotten.
    """

    __tablename__ = "sightings"
    __table_args__ = (
        Index("ix_sightings_best_first", "request_id", "rank", "score", "sighting_id"),
        Index("ix_sightings_arrived", "request_id", "arrived"),
        Index("ix_sightings_decided", "request_id", "decided"),
    )

    sighting_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    request_id: Mapped[str] = mapped_column(String(36))
    camera_id: Mapped[str] = mapped_column(String(63))
    clip_id: Mapped[str] = mapped_column(String(36))
    clip_starts_at: Mapped[datetime] = mapped_column(Instant)
    first_seen_at: Mapped[datetime] = mapped_column(Instant)
    last_seen_at: Mapped[datetime] = mapped_column(Instant)
    found_at: Mapped[datetime] = mapped_column(Instant)
    live: Mapped[bool] = mapped_column(Boolean)
    score: Mapped[float] = mapped_column(Float)
    rank: Mapped[float] = mapped_column(Float)
    likelihood_ratio: Mapped[float | None] = mapped_column(Float)
    false_match_rate: Mapped[float | None] = mapped_column(Float)
    crops_key: Mapped[str | None] = mapped_column(String(200))
    verdict: Mapped[str] = mapped_column(String(16), default=Verdict.OPEN.value)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    arrived: Mapped[int] = mapped_column(Integer)
    decided: Mapped[int | None] = mapped_column(Integer)


class PictureRow(Base):
    """One picture of a sighting's face: a part of the clip's object. Number 0 is the one that matched best."""

    __tablename__ = "sighting_pictures"

    sighting_id: Mapped[str] = mapped_column(ForeignKey(SightingRow.sighting_id), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    offset_bytes: Mapped[int] = mapped_column(BigInteger)
    length_bytes: Mapped[int] = mapped_column(Integer)
    taken_at: Mapped[datetime] = mapped_column(Instant)
    quality: Mapped[float] = mapped_column(Float)
    face_width_px: Mapped[float] = mapped_column(Float)


class AnswerRow(Base):
    """What one reviewer said of one sighting; `request_id` is the sighting's own."""

    __tablename__ = "sighting_answers"
    __table_args__ = (Index("ix_sighting_answers_of_reviewer", "request_id", "reviewer_id"),)

    sighting_id: Mapped[str] = mapped_column(ForeignKey(SightingRow.sighting_id), primary_key=True)
    reviewer_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    request_id: Mapped[str] = mapped_column(String(36))
    answer: Mapped[str] = mapped_column(String(8))
    given_at: Mapped[datetime] = mapped_column(Instant)


class TallyRow(Base):
    """The sums of one search, and the number of its feed's last entry."""

    __tablename__ = "search_tallies"

    request_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    feed: Mapped[int] = mapped_column(Integer, default=0)
    refusal: Mapped[str | None] = mapped_column(String(40))
    refused_photo: Mapped[int | None] = mapped_column(Integer)
    planned_at: Mapped[datetime | None] = mapped_column(Instant)
    tasks_planned: Mapped[int] = mapped_column(Integer, default=0)
    planned_camera_s: Mapped[float] = mapped_column(Float, default=0.0)
    tasks_continued: Mapped[int] = mapped_column(Integer, default=0)
    tasks_done: Mapped[int] = mapped_column(Integer, default=0)
    faces_compared: Mapped[int] = mapped_column(BigInteger, default=0)
    faces_too_poor: Mapped[int] = mapped_column(BigInteger, default=0)
    faces_unreadable: Mapped[int] = mapped_column(BigInteger, default=0)
    clips_unreadable: Mapped[int] = mapped_column(BigInteger, default=0)
    candidates: Mapped[int] = mapped_column(BigInteger, default=0)
    camera_s: Mapped[float] = mapped_column(Float, default=0.0)
    expected_false: Mapped[float] = mapped_column(Float, default=0.0)
    told_at: Mapped[datetime | None] = mapped_column(Instant)
    closed: Mapped[bool] = mapped_column(Boolean, default=False)


class PartRow(Base):
    """One result that is in a search's sums already, so that it is counted once; gone when the tally is closed."""

    __tablename__ = "search_parts"

    task_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    request_id: Mapped[str] = mapped_column(String(36), index=True)
