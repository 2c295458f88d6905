"""One clip searched for faces, frame by frame: only the best pictures of each face are held, never the video."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeward.detection.crops import Candidate, CropKeeper
from homeward.detection.faces import FoundFace
from homeward.detection.looks import look_of
from homeward.detection.motion import MotionGate
from homeward.detection.ports import FaceFinder, Frame
from homeward.detection.quality import geometry_quality, quality
from homeward.detection.tracks import Seen, Track, Tracker
from homeward.shared.vision.alignment import AlignmentError, align, inner

_CLOSER_S: Final = 1.0
"""A head turns to a camera, or a step ends, within a second of when it was seen best."""


@dataclass(frozen=True, slots=True)
class SearchRules:
    """What is worth looking at and keeping.

    `least_quality` is the floor below which a face is counted and no picture of it is kept. `single_score` is the
    score that a face seen in one sample only must have to be counted at all. A face from `ample_px` on of which no
    picture can be kept had its eyes elsewhere, or moved: it is worth a look at the frames between.
    """

    interval_s: float
    motion_threshold: float
    motion_memory_s: float
    longest_gap_s: float
    least_quality: float
    single_score: float
    crops_per_face: int
    ample_px: float


@dataclass(slots=True)
class FollowedFace:
    """One face of the clip: where it was found, in order of time, and its best pictures."""

    keeper: CropKeeper
    appearances: list[tuple[float, FoundFace]] = field(default_factory=list)

    def poor_from(self, ample_px: float) -> tuple[float, FoundFace] | None:
        """Return its best look when it is `ample_px` wide there, seen from the front, and no picture is good enough."""
        best = max(self.appearances, key=lambda look: geometry_quality(look[1]))
        return best if not self.keeper.best() and best[1].frontal_width_px >= ample_px else None


@dataclass(frozen=True, slots=True)
class SearchedClip:
    """What was found, by first appearance, and in how many frames it was looked for or not."""

    faces: list[FollowedFace]
    frames_sampled: int
    frames_still: int


def closer_looks(faces: Iterable[FollowedFace], ample_px: float) -> list[tuple[float, float]]:
    """Return the times, in seconds of the clip, about the best look at each face that deserves a better one."""
    looks = (face.poor_from(ample_px) for face in faces)
    return [(max(0.0, look[0] - _CLOSER_S), look[0] + _CLOSER_S) for look in looks if look is not None]


def search_clip(frames: Iterable[Frame], finder: FaceFinder, rules: SearchRules) -> SearchedClip:
    """Return the faces of `frames`, which come in order of time; blocks while they are decoded and searched."""
    gate = MotionGate(threshold=rules.motion_threshold, memory_s=rules.motion_memory_s)
    tracker = Tracker(longest_gap_s=rules.longest_gap_s)
    faces: dict[Track, FollowedFace] = {}
    sampled = still = 0
    before: list[FoundFace] = []
    for frame in frames:
        tracker.glimpse(frame.luma, frame.at_s)
        if not frame.due:
            continue
        activity = gate.look(frame.luma, frame.at_s).around(face.box for face in before)
        if not activity.any:
            still += 1
            continue
        sampled += 1
        picture = frame.rgb()
        before = finder.find(picture, activity)
        aligned = [(face, canvas) for face in before if (canvas := _aligned(picture, face)) is not None]
        seen = [Seen(frame.at_s, face, look_of(canvas)) for face, canvas in aligned]
        for track, (face, canvas) in zip(tracker.follow(seen, frame.luma), aligned, strict=True):
            followed = faces.setdefault(track, FollowedFace(CropKeeper(rules.crops_per_face)))
            followed.appearances.append((frame.at_s, face))
            _offer(followed.keeper, frame.at_s, face, canvas, rules.least_quality)
    kept = [face for face in faces.values() if _counts(face, rules.single_score)]
    return SearchedClip(kept, sampled, still)


def _aligned(picture: NDArray[np.uint8], face: FoundFace) -> NDArray[np.uint8] | None:
    try:
        return align(picture, face.landmarks)
    except AlignmentError:
        return None


def _offer(keeper: CropKeeper, at_s: float, face: FoundFace, canvas: NDArray[np.uint8], least: float) -> None:
    if geometry_quality(face) < least:
        return
    measured = quality(face, inner(canvas))
    if measured >= least:
        keeper.offer(Candidate(at_s, measured, face.width_px, canvas))


def _counts(face: FollowedFace, single_score: float) -> bool:
    """Whether a face is to be believed: what is no face seldom looks like one in two samples at the same place."""
    return len(face.appearances) > 1 or face.appearances[0][1].score >= single_score
