"""Sightings against what a scene is known to show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from homeward.cli.scene.portrait import Box
from homeward.cli.scene.truth import SceneTruth, TrueAppearance

_SAME_PLACE: Final = 0.3
"""Boxes that share more of their union than this are one face; a detector's box is a fifth larger or smaller."""

SLACK: Final = timedelta(seconds=1)
"""A face is found a little before the whole of it is inside the picture, and a little after."""


class Verdict(Enum):
    """Whose face a sighting shows."""

    SUBJECT = "the person"
    OTHER = "somebody else"
    NOBODY = "nobody known"


@dataclass(frozen=True, slots=True)
class Seen:
    """What of a sighting is judged; `box` is the face in the frame taken at `box_at`, where these are known."""

    sighting_id: str
    camera_id: str
    first_seen_at: datetime
    last_seen_at: datetime
    score: float
    box_at: datetime | None = None
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A sighting with its verdict; `appearance` is what it shows, if anything."""

    seen: Seen
    verdict: Verdict
    appearance: TrueAppearance | None


@dataclass(frozen=True, slots=True)
class Missed:
    """An appearance of the subject that no sighting shows."""

    camera_id: str
    from_at: datetime
    to_at: datetime
    face_width_px: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Score:
    """How well a search did; `judged` is best score first."""

    appearances: int
    judged: tuple[Judged, ...]
    missed: tuple[Missed, ...]

    @property
    def found(self) -> int:
        """Return the number of the subject's appearances that some sighting shows."""
        return self.appearances - len(self.missed)

    @property
    def recall(self) -> float:
        """Return the share of the subject's appearances that were found; 1 when there were none to find."""
        return self.found / self.appearances if self.appearances else 1.0

    @property
    def precision(self) -> float:
        """Return the share of sightings that show the subject; 1 when there are none."""
        right = sum(judged.verdict is Verdict.SUBJECT for judged in self.judged)
        return right / len(self.judged) if self.judged else 1.0

    @property
    def first_wrong_rank(self) -> int | None:
        """Return the place, from 1, of the best sighting that does not show the subject."""
        wrong = (rank for rank, judged in enumerate(self.judged, 1) if judged.verdict is not Verdict.SUBJECT)
        return next(wrong, None)

    def wrong_among_first(self, count: int) -> bool:
        """Return whether anybody but the subject is among the `count` best sightings."""
        return self.first_wrong_rank is not None and self.first_wrong_rank <= count


def judge(
    truth: SceneTruth,
    sightings: Sequence[Seen],
    subject_id: str,
    starts_at: Mapping[str, datetime],
    slack: timedelta = SLACK,
) -> Score:
    """Return how `sightings` compare with what `subject_id` did in `truth`.

    `starts_at` is when each camera's first frame was taken. A sighting shows an appearance when both overlap in time
    on one camera and, where the sighting has a box, in place. Raises KeyError for a camera without a start.
    """
    ranked = sorted(sightings, key=lambda seen: (-seen.score, seen.sighting_id))
    judged = tuple(_judge(truth, seen, subject_id, starts_at, slack) for seen in ranked)
    shown = {id(item.appearance) for item in judged if item.verdict is Verdict.SUBJECT}
    theirs = truth.of(subject_id)
    missed = tuple(
        Missed(
            appearance.camera_id,
            starts_at[appearance.camera_id] + timedelta(seconds=appearance.from_s),
            starts_at[appearance.camera_id] + timedelta(seconds=appearance.to_s),
            appearance.face_width_px,
        )
        for appearance in theirs
        if id(appearance) not in shown
    )
    return Score(len(theirs), judged, missed)


def _judge(
    truth: SceneTruth, seen: Seen, subject_id: str, starts_at: Mapping[str, datetime], slack: timedelta
) -> Judged:
    slack_s = slack.total_seconds()
    best: TrueAppearance | None = None
    best_fit = 0.0
    for appearance in truth.all():
        if appearance.camera_id != seen.camera_id:
            continue
        start = starts_at[seen.camera_id]
        first_s, last_s = ((at - start).total_seconds() for at in (seen.first_seen_at, seen.last_seen_at))
        if first_s > appearance.to_s + slack_s or last_s < appearance.from_s - slack_s:
            continue
        if seen.box is not None and seen.box_at is not None:
            fit = _fit(appearance, seen.box, (seen.box_at - start).total_seconds(), slack_s)
        else:
            # Without a place, a sighting while the subject was there is taken to be of the subject.
            fit = 1.0 if appearance.person_id == subject_id else _SAME_PLACE
        if fit >= _SAME_PLACE and fit > best_fit:
            best, best_fit = appearance, fit
    if best is None:
        return Judged(seen, Verdict.NOBODY, None)
    return Judged(seen, Verdict.SUBJECT if best.person_id == subject_id else Verdict.OTHER, best)


def _fit(appearance: TrueAppearance, box: Box, at_s: float, slack_s: float) -> float:
    """Return how well `box` covers the appearance's face at `at_s`, 0 to 1."""
    nearest = min(range(len(appearance.faces)), key=lambda index: abs(appearance.faces[index].at_s - at_s))
    face = appearance.faces[nearest]
    if abs(face.at_s - at_s) > slack_s:
        return 0.0
    if appearance.from_s <= at_s <= appearance.to_s or len(appearance.faces) == 1:
        return face.box.iou(box)
    # Half in the picture, a walker is already, or still, under way: without that a fast face is nobody's.
    beside = appearance.faces[1 if nearest == 0 else nearest - 1]
    share = (at_s - face.at_s) / (face.at_s - beside.at_s)
    left = face.box.left + share * (face.box.left - beside.box.left)
    top = face.box.top + share * (face.box.top - beside.box.top)
    return Box(left, top, face.box.width, face.box.height).iou(box)
