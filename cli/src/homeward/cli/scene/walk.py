"""How somebody walks through a camera's picture."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from homeward.cli.scene.portrait import Box, Point, Portrait

_STRIDES_PER_SECOND: Final = 0.9
_BOB: Final = 0.05
_SWAY: Final = 0.03
_ROLL_DEGREES: Final = 2.5
_FACE_HEIGHT: Final = 2.45 / 2.2


@dataclass(frozen=True, slots=True)
class Walk:
    """A straight way through the picture at an even pace; seconds count from the video's first frame.

    `starts` and `ends` are where the middle of the face is, (x, y) in pixels of the frame; they may lie outside it.
    `face_width_px` is the face's width at the start and at the end: it grows when somebody comes nearer.
    `pauses_s` is how long the person stands still half-way, as people do before a door or a map.
    """

    enters_at_s: float
    lasts_s: float
    starts: Point
    ends: Point
    face_width_px: tuple[float, float]
    pauses_s: float = 0.0

    @property
    def leaves_at_s(self) -> float:
        """Return when the walk is over."""
        return self.enters_at_s + self.lasts_s


@dataclass(frozen=True, slots=True, eq=False)
class Walker:
    """One walk of one person. `person_id` tells people apart in the truth and means nothing else."""

    person_id: str
    portrait: Portrait
    walk: Walk


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a walker is in one frame: the face's box before it rolls, the roll, and the strides taken."""

    face: Box
    roll_degrees: float
    strides: float


def pose_at(walk: Walk, at_s: float) -> Pose | None:
    """Return the pose of `walk` at `at_s`, or None before it begins and after it ends."""
    elapsed = at_s - walk.enters_at_s
    if not 0 <= elapsed <= walk.lasts_s:
        return None
    moving = walk.lasts_s - walk.pauses_s
    walked = min(elapsed, moving / 2) + max(0.0, elapsed - moving / 2 - walk.pauses_s)
    share = walked / moving
    width = _between(walk.face_width_px, share)
    strides = walked * _STRIDES_PER_SECOND
    # The head is highest in the middle of each step, and two steps make one stride.
    x = _between((walk.starts[0], walk.ends[0]), share) + _SWAY * width * float(np.sin(2 * np.pi * strides))
    y = _between((walk.starts[1], walk.ends[1]), share) + _BOB * width * abs(float(np.cos(2 * np.pi * strides)))
    height = _FACE_HEIGHT * width
    face = Box(x - width / 2, y - height / 2, width, height)
    return Pose(face, _ROLL_DEGREES * float(np.sin(2 * np.pi * strides)), strides)


def _between(ends: tuple[float, float], share: float) -> float:
    return ends[0] + (ends[1] - ends[0]) * share
