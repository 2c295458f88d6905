"""Folds clips and gaps, as they are told, into the stretches that coverage is read from."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from homeward.access.database.database import Database, DatabaseAwayError
from homeward.access.footage.tables import RunRow
from homeward.shared.clock import Clock
from homeward.shared.coverage import WindowCoverage, window_coverage
from homeward.shared.events import Event, InvalidEventError
from homeward.shared.instants import from_timestamp, to_timestamp
from homeward.shared.runtime.handler import RetryableError
from homeward.shared.topics import FOOTAGE_RETENTION
from homewardapi.clip.v1.clip_pb2 import Clip, Gap, GapCause, StoredClip

_KEPT: Final = FOOTAGE_RETENTION + timedelta(hours=1)
_SWEEP_EACH: Final = timedelta(hours=1)


class RunFold:
    """Handles homeward.clips.v1. The same event twice changes nothing; no event follows."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._swept_at: datetime | None = None

    def handle(self, event: Event) -> Sequence[Event]:
        """Take note of one clip or gap. Raises RetryableError while the database is away."""
        clip = event.message
        if not isinstance(clip, Clip):
            raise InvalidEventError("the event holds no clip")
        try:
            with self._database.begin() as session:
                _fold(session, clip)
                self._sweep(session)
        except DatabaseAwayError as error:
            raise RetryableError("the database is away") from error
        return []

    def _sweep(self, session: Session) -> None:
        """Forget, once an hour, what is told of time whose footage is gone."""
        now = self._clock.now()
        if self._swept_at is None or now - self._swept_at >= _SWEEP_EACH:
            session.execute(delete(RunRow).where(RunRow.ends_at < now - _KEPT))
            self._swept_at = now


class Coverage:
    """Reads what became of a camera's time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, camera_id: str, since: datetime, until: datetime) -> WindowCoverage:
        """Return what is told of [since, until) of one camera; ValueError for an empty window."""
        query = select(RunRow).where(RunRow.camera_id == camera_id, RunRow.ends_at > since, RunRow.starts_at < until)
        with self._database.read() as session:
            told = [_clip(row) for row in session.scalars(query)]
        return window_coverage(told, since, until)


def _fold(session: Session, clip: Clip) -> None:
    starts_at, ends_at = from_timestamp(clip.starts_at), from_timestamp(clip.ends_at)
    cause = None if clip.HasField("stored") else int(clip.gap.cause)
    epoch = int(clip.optional_epoch)
    # Of the same kind, and touching or lying over: footage joins whoever recorded it, a gap its own recorder's alone.
    same = RunRow.cause.is_(None) if cause is None else (RunRow.cause == cause) & (RunRow.epoch == epoch)
    query = select(RunRow).where(
        RunRow.camera_id == clip.camera_id, RunRow.ends_at >= starts_at, RunRow.starts_at <= ends_at, same
    )
    rows = list(session.scalars(query))
    if not rows:
        session.add(RunRow(camera_id=clip.camera_id, starts_at=starts_at, ends_at=ends_at, cause=cause, epoch=epoch))
        return
    first, *others = rows
    first.starts_at = min(starts_at, *(row.starts_at for row in rows))
    first.ends_at = max(ends_at, *(row.ends_at for row in rows))
    first.epoch = max(epoch, *(row.epoch for row in rows))
    for row in others:
        session.delete(row)


def _clip(row: RunRow) -> Clip:
    """Return a stretch as the message that tells it, for the one rule by which such messages give way."""
    clip = Clip(
        camera_id=row.camera_id,
        starts_at=to_timestamp(row.starts_at),
        ends_at=to_timestamp(row.ends_at),
        optional_epoch=row.epoch,
    )
    if row.cause is None:
        clip.stored.CopyFrom(StoredClip())
    else:
        clip.gap.CopyFrom(Gap(cause=GapCause.ValueType(row.cause)))
    return clip
