"""Rows as reviewers see them."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from homeward.access.review.model import Picture, Progress, SightingView
from homeward.access.review.ports import ReviewCase
from homeward.access.review.tables import AnswerRow, PictureRow, SightingRow, TallyRow
from homeward.access.review.verdict import Answer, Standing, Verdict, standing_of
from homeward.access.review.words import quality_of, support_of


def in_window(case: ReviewCase) -> ColumnElement[bool]:
    """Return the condition that a sighting is of this search and lies within the time that was approved."""
    return and_(
        SightingRow.request_id == case.request_id,
        SightingRow.clip_starts_at >= case.window_starts_at,
        SightingRow.clip_starts_at < case.window_ends_at,
    )


def in_scope(case: ReviewCase) -> ColumnElement[bool]:
    """Return the condition that a sighting lies within what was approved, which may be less than what was searched."""
    return and_(in_window(case), SightingRow.camera_id.in_(sorted(case.camera_ids)))


def after(row: SightingRow) -> ColumnElement[bool]:
    """Return the condition that a sighting comes after `row`, best first."""
    same_rank = SightingRow.rank == row.rank
    return or_(
        SightingRow.rank < row.rank,
        and_(same_rank, SightingRow.score < row.score),
        and_(same_rank, SightingRow.score == row.score, SightingRow.sighting_id > row.sighting_id),
    )


BEST_FIRST = (SightingRow.rank.desc(), SightingRow.score.desc(), SightingRow.sighting_id)
"""The order of a search's sightings: by likelihood, then score; nothing that changes has a part in it."""


def own_answers(session: Session, reviewer_id: str, rows: Sequence[SightingRow]) -> dict[str, Answer]:
    """Return what one reviewer said of each of `rows`, by sighting."""
    found = session.execute(
        select(AnswerRow.sighting_id, AnswerRow.answer).where(
            AnswerRow.reviewer_id == reviewer_id, AnswerRow.sighting_id.in_([row.sighting_id for row in rows])
        )
    )
    return {sighting_id: Answer(answer) for sighting_id, answer in found}


def pictures_of(session: Session, rows: Sequence[SightingRow]) -> dict[str, list[PictureRow]]:
    """Return the pictures of `rows`, by sighting, the best first."""
    found: dict[str, list[PictureRow]] = {}
    chosen = PictureRow.sighting_id.in_([row.sighting_id for row in rows])
    for picture in session.scalars(select(PictureRow).where(chosen).order_by(PictureRow.number)):
        found.setdefault(picture.sighting_id, []).append(picture)
    return found


def sighting_views(
    session: Session, rows: Sequence[SightingRow], own: Mapping[str, Answer], *, is_open: bool
) -> list[SightingView]:
    """Return `rows` as the reviewer sees them who gave the answers `own`; without pictures unless the search is open.

    It reads nobody else's answer: of those, a view knows the verdict alone, through `standing_of`.
    """
    pictures = pictures_of(session, rows) if is_open else {}
    return [_view(row, own.get(row.sighting_id), pictures.get(row.sighting_id, []), is_open) for row in rows]


def _view(row: SightingRow, own: Answer | None, pictures: Sequence[PictureRow], is_open: bool) -> SightingView:
    standing = standing_of(Verdict(row.verdict), own)
    return SightingView(
        sighting_id=row.sighting_id,
        request_id=row.request_id,
        camera_id=row.camera_id,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        found_at=row.found_at,
        live=row.live,
        likelihood_ratio=row.likelihood_ratio,
        support=support_of(row.likelihood_ratio),
        false_match_rate=row.false_match_rate,
        standing=standing,
        own_answer=own,
        may_answer=is_open and standing in {Standing.ASKED, Standing.WAITING},
        pictures=tuple(
            Picture(
                number=picture.number,
                taken_at=picture.taken_at,
                face_width_px=picture.face_width_px,
                quality=picture.quality,
                quality_word=quality_of(picture.quality),
            )
            for picture in pictures
        ),
    )


def progress_of(session: Session, request_id: str) -> Progress:
    """Return how far a search has come."""
    return progress_of_each(session, [request_id])[request_id]


def progress_of_each(session: Session, request_ids: Collection[str]) -> dict[str, Progress]:
    """Return how far each of several searches has come."""
    chosen = select(TallyRow).where(TallyRow.request_id.in_(request_ids)).execution_options(populate_existing=True)
    rows = {row.request_id: row for row in session.scalars(chosen)}
    return {request_id: _progress(rows.get(request_id)) for request_id in request_ids}


def _progress(row: TallyRow | None) -> Progress:
    if row is None:
        return Progress(None, 0, 0, 0, 0, 0, 0, 0.0, 0.0, 0.0, None, None)
    return Progress(
        tasks=None if row.planned_at is None else row.tasks_planned + row.tasks_continued,
        tasks_done=row.tasks_done,
        faces_compared=row.faces_compared,
        faces_too_poor=row.faces_too_poor,
        faces_unreadable=row.faces_unreadable,
        clips_unreadable=row.clips_unreadable,
        candidates=row.candidates,
        camera_s=row.camera_s,
        planned_camera_s=row.planned_camera_s,
        expected_false=row.expected_false,
        refusal=row.refusal,
        refused_photo=row.refused_photo,
    )
