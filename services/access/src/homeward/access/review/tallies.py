"""How far a search has come: each result is added to its sums once, however often it is told."""

import math
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import update
from sqlalchemy.orm import Session

from homeward.access.cases.ports import Tally
from homeward.access.review.tables import PartRow, TallyRow
from homeward.shared.events import InvalidEventError
from homeward.shared.instants import from_duration, from_timestamp
from homewardapi.search.v1.search_pb2 import RefusalReason, SearchPlanned, SearchRefused, SearchTask, TaskCompleted

_COUNT_MAX: Final = 2**31 - 1
"""A whole city's faces in thirty days are fewer."""


class SearchTallies:
    """The port `Tallies` of requests."""

    def of(self, session: Session, authorisation_id: str) -> Tally | None:
        """Return the sums of one search, None where nothing is known of it."""
        row = session.get(TallyRow, authorisation_id, populate_existing=True)
        return None if row is None else Tally(row.faces_compared, row.camera_s, row.candidates)


def tally_of(session: Session, request_id: str) -> TallyRow:
    """Return the sums of a search, made when it has none; two who make them at once get an IntegrityError."""
    row = session.get(TallyRow, request_id)
    if row is None:
        row = TallyRow(request_id=request_id)
        session.add(row)
        session.flush()
    return row


def next_entry(session: Session, request_id: str) -> int:
    """Return the next number of a search's feed.

    The row stays locked until the transaction ends, so whoever reads a number has read every lower one.
    """
    tally_of(session, request_id)
    number: int = session.execute(
        update(TallyRow)
        .where(TallyRow.request_id == request_id)
        .values(feed=TallyRow.feed + 1)
        .returning(TallyRow.feed)
        .execution_options(synchronize_session=False)
    ).scalar_one()
    return number


def fold_task(session: Session, task: SearchTask, told_at: datetime) -> None:
    """Take one message of a search's life into its sums; what was taken before changes nothing."""
    tally = tally_of(session, task.authorisation_id)
    if tally.closed:
        # Its parts are forgotten, so it could no more be told whether this one was counted.
        return
    _check(task)
    match task.WhichOneof("event"):
        case "planned":
            _plan(tally, task.planned, told_at)
        case "refused":
            _refuse(tally, task.refused)
        case "completed":
            if session.get(PartRow, task.task_id) is None:
                # A live result and a completion have ids of different kinds, and each completion its own task's.
                session.add(PartRow(task_id=task.task_id, request_id=task.authorisation_id))
                session.flush()
                _add(session, task.authorisation_id, task.completed)
        case _:
            pass


def _check(task: SearchTask) -> None:
    done = task.completed
    counts = (done.faces_compared, done.faces_too_poor, done.faces_unreadable, done.clips_unreadable, done.candidates)
    if max(counts) > _COUNT_MAX or task.planned.task_count > _COUNT_MAX:
        raise InvalidEventError("a count of the event is beyond any search")


def _plan(tally: TallyRow, planned: SearchPlanned, told_at: datetime) -> None:
    if tally.planned_at is not None and told_at < tally.planned_at:
        return
    # A renewed search is planned anew, whole.
    tally.planned_at = told_at
    tally.tasks_planned = planned.task_count
    tally.planned_camera_s = max(0.0, from_duration(planned.camera_time).total_seconds())
    tally.refusal = None
    tally.refused_photo = None


def _refuse(tally: TallyRow, refused: SearchRefused) -> None:
    if tally.planned_at is None:
        tally.refusal = RefusalReason.Name(refused.reason).removeprefix("REFUSAL_REASON_").lower()
        tally.refused_photo = refused.optional_photo_index if refused.HasField("optional_photo_index") else None


def _add(session: Session, request_id: str, done: TaskCompleted) -> None:
    archive = not done.HasField("optional_clip_id")
    expected = done.optional_expected_false_candidates
    # By the database, so that two who add at once both count.
    session.execute(
        update(TallyRow)
        .where(TallyRow.request_id == request_id)
        .values(
            tasks_done=TallyRow.tasks_done + int(archive),
            tasks_continued=TallyRow.tasks_continued + int(done.HasField("optional_continued_by")),
            faces_compared=TallyRow.faces_compared + done.faces_compared,
            faces_too_poor=TallyRow.faces_too_poor + done.faces_too_poor,
            faces_unreadable=TallyRow.faces_unreadable + done.faces_unreadable,
            clips_unreadable=TallyRow.clips_unreadable + done.clips_unreadable,
            candidates=TallyRow.candidates + done.candidates,
            camera_s=TallyRow.camera_s + max(0.0, from_duration(done.camera_time) / timedelta(seconds=1)),
            expected_false=TallyRow.expected_false + (expected if math.isfinite(expected) else 0.0),
            told_at=from_timestamp(done.completed_at),
        )
        .execution_options(synchronize_session="fetch")
    )
