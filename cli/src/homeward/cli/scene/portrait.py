"""A photo of one person, and where the face is in it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]
Point = tuple[float, float]

# A face is about 2.2 times as wide as its eyes are apart (63 and 140 mm in adults), and its hairline lies 2.45 eye
# distances above its chin. The eyes and the mouth are 1.04 eye distances apart: where a turned head brings the eyes
# closer together, the height still tells the size.
_WIDTH_PER_EYES: Final = 2.2
_HEIGHT_PER_EYES: Final = 2.45
_EYES_TO_MOUTH: Final = 1.04
_EYES_BELOW_TOP: Final = 0.31


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of a picture; it may reach beyond the edge."""

    left: float
    top: float
    width: float
    height: float

    @property
    def centre(self) -> Point:
        """Return the middle as (x, y)."""
        return self.left + self.width / 2, self.top + self.height / 2

    def inside(self, width: float, height: float) -> bool:
        """Return whether the whole box lies in a picture of that size."""
        return self.left >= 0 and self.top >= 0 and self.left + self.width <= width and self.top + self.height <= height

    def overlap(self, other: "Box") -> float:
        """Return the area, in square pixels, that both cover."""
        across = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        down = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        return max(0.0, across) * max(0.0, down)

    def iou(self, other: "Box") -> float:
        """Return the shared area as a share of the area that either covers, 0 to 1."""
        shared = self.overlap(other)
        union = self.width * self.height + other.width * other.height - shared
        return shared / union if union > 0 else 0.0


@dataclass(frozen=True, slots=True)
class FacePoints:
    """Three points of a face, (x, y) in pixels of the photo; right and left are the person's own."""

    right_eye: Point
    left_eye: Point
    mouth: Point

    def box(self) -> Box:
        """Return the face from hairline to chin and from cheek to cheek, upright.

        Raises ValueError when the points are no face: eyes on one spot, or a mouth above them.
        """
        eyes_x = (self.right_eye[0] + self.left_eye[0]) / 2
        eyes_y = (self.right_eye[1] + self.left_eye[1]) / 2
        apart = float(np.hypot(self.left_eye[0] - self.right_eye[0], self.left_eye[1] - self.right_eye[1]))
        if apart <= 0 or self.mouth[1] <= eyes_y:
            raise ValueError("the eyes lie on one spot or the mouth is not below them; give the points of one face")
        unit = max(apart, (self.mouth[1] - eyes_y) / _EYES_TO_MOUTH)
        width, height = _WIDTH_PER_EYES * unit, _HEIGHT_PER_EYES * unit
        return Box(eyes_x - width / 2, eyes_y - _EYES_BELOW_TOP * height, width, height)


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """A photo (uint8 HxWx3 RGB) with one face to cut out."""

    photo: Rgb
    face: FacePoints
