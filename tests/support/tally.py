"""How often people were found over several searches, and what became of the appearances that were not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from homeward.cli.demo.truth import SLACK, Score, Verdict
from homeward.cli.scene.portrait import Box
from homeward.cli.scene.truth import TrueAppearance
from homeward.shared.instants import from_timestamp
from homewardapi.face.v1 import face_pb2
from homewardapi.face.v1.face_pb2 import ClipFaces, Face

_SAME_PLACE: Final = 0.3
"""Boxes that share more of their union than this are one face, as sightings are judged."""


class Cause(Enum):
    """Why an appearance was missed."""

    UNSEEN = "no face found"
    POOR = "too poor to compare"
    UNLIKE = "below the threshold"


@dataclass(slots=True)
class Tally:
    """Searches pooled. `outranked` are the people whom a sighting of somebody else stands above."""

    appearances: int = 0
    found: int = 0
    causes: list[Cause] = field(default_factory=list)
    outranked: list[str] = field(default_factory=list)

    def add(self, person_id: str, score: Score, causes: Iterable[Cause]) -> None:
        """Add what the search for one person came to, and why it missed what it missed."""
        self.appearances += score.appearances
        self.found += score.found
        self.causes += causes
        right = sum(judged.verdict is Verdict.SUBJECT for judged in score.judged)
        # Somebody shown in place of a person who was not found at all stands above them too.
        if score.wrong_among_first(max(right, 1)):
            self.outranked.append(person_id)

    @property
    def recall(self) -> float:
        """The share of appearances that were found."""
        return self.found / self.appearances

    def told(self) -> str:
        """Say what was found, and how often it was missed for what."""
        whys = [f"{self.causes.count(cause)} {cause.value}" for cause in Cause if cause in self.causes]
        return f"{self.found} of {self.appearances} found" + (f" (missed: {', '.join(whys)})" if whys else "")


def cause_of(appearance: TrueAppearance, starts_at: datetime, clips: Sequence[ClipFaces]) -> Cause:
    """Return why `appearance` was missed; its camera began at `starts_at`, and `clips` are all that were searched."""
    theirs = [
        face
        for clip in clips
        if clip.camera_id == appearance.camera_id
        for face in clip.faces
        if any(_shows(appearance, seen, starts_at) for seen in face.appearances)
    ]
    if not theirs:
        return Cause.UNSEEN
    return Cause.UNLIKE if any(_compared(face) for face in theirs) else Cause.POOR


def _compared(face: Face) -> bool:
    return len(face.crops) > 0


def _shows(appearance: TrueAppearance, seen: face_pb2.Appearance, starts_at: datetime) -> bool:
    at_s = (from_timestamp(seen.at) - starts_at) / timedelta(seconds=1)
    nearest = min(appearance.faces, key=lambda face: abs(face.at_s - at_s))
    if abs(nearest.at_s - at_s) > SLACK.total_seconds():
        return False
    box = Box(seen.box.left_px, seen.box.top_px, seen.box.width_px, seen.box.height_px)
    return nearest.box.iou(box) > _SAME_PLACE
