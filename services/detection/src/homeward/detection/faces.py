"""A face found in a picture, and how several finds of one face become one."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from homeward.shared.vision.alignment import Landmarks

_SAME_UNION: Final = 0.3
"""Boxes that share more of their union than this are one face (MediaPipe's own figure)."""

_WIDTH_OF_EYES_TO_MOUTH: Final = 2.1
"""Width of a face, ear to ear, over the distance of its eyes from its mouth: 1.9 to 2.3 in YuNet's finds of 102
portraits."""

_SAME_INSIDE: Final = 0.6
"""A box that lies this far within another is the same face, seen at another scale or cut off by a tile's edge."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the frame; it may reach beyond the frame's edge."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.top + self.height

    @property
    def centre(self) -> tuple[float, float]:
        """The middle, (x, y)."""
        return self.left + self.width / 2, self.top + self.height / 2

    @property
    def area(self) -> float:
        """The area in square pixels."""
        return self.width * self.height

    def common_area(self, other: "Box") -> float:
        """Return how many square pixels the two boxes share."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, width) * max(0.0, height)


@dataclass(frozen=True, slots=True)
class FoundFace:
    """One face in one picture.

    `score` is the detector's confidence, 0 to 1. `width_px` is the face's own width, ear to ear, since each detector
    draws its boxes wider or narrower.
    """

    box: Box
    score: float
    landmarks: Landmarks
    width_px: float

    @property
    def frontal_width_px(self) -> float:
        """How wide the face is, or would be if it looked at the camera: a turn leaves eyes as far from the mouth."""
        marks = self.landmarks
        middle = (complex(*marks.right_eye) + complex(*marks.left_eye)) / 2
        return max(self.width_px, _WIDTH_OF_EYES_TO_MOUTH * abs(complex(*marks.mouth) - middle))

    def placed(self, left: float, top: float, across: float, down: float) -> "FoundFace":
        """Return this face of a part that begins at `left`, `top` of the frame and was scaled by `across`, `down`.

        A landmark counts from the centre of the first pixel, which scaling moves; a box counts from its corner.
        """
        marks = [
            (left + (x + 0.5) / across - 0.5, top + (y + 0.5) / down - 0.5)
            for x, y in (self.landmarks.right_eye, self.landmarks.left_eye, self.landmarks.nose, self.landmarks.mouth)
        ]
        box = Box(
            left + self.box.left / across,
            top + self.box.top / down,
            self.box.width / across,
            self.box.height / down,
        )
        return FoundFace(box, self.score, Landmarks(*marks), self.width_px / across)


def without_repeats(found: Iterable[FoundFace]) -> list[FoundFace]:
    """Return one of each group of faces whose boxes cover one another, the surest, in order of falling score."""
    kept: list[FoundFace] = []
    for face in sorted(found, key=lambda one: (-one.score, one.box.left, one.box.top)):
        if not any(_same(face.box, other.box) for other in kept):
            kept.append(face)
    return kept


def _same(one: Box, other: Box) -> bool:
    common = one.common_area(other)
    if common == 0:
        return False
    union = one.area + other.area - common
    return common > _SAME_UNION * union or common > _SAME_INSIDE * min(one.area, other.area)
