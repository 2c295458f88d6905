"""Where in a frame something may have changed: cheap enough to be asked of every frame.

A person who stands still is not lost: what has moved since the clip began keeps differing from the background, which
adapts more slowly than a clip lasts, and what stood there from the first frame on is found in that frame, which is
searched everywhere, and then followed by where faces were.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from homeward.detection.faces import Box

CELL_PX: Final = 8
"""Side of the squares whose mean brightness is compared: a face of 24 px is 3 of them wide."""

_HALVINGS: Final = 3
"""Times that a picture is halved until a square of CELL_PX is a pixel."""

_LIGHT_STEP: Final = 2
"""Of every second square in every second row the change of light is taken: it is the same for all."""

_AROUND_FACE: Final = 1.5
"""How far around a face, in its own widths, it is looked for in the next sample: walkers move about so much."""


@dataclass(frozen=True, slots=True)
class Activity:
    """What may have changed in a frame: `cells` is bool, one for each square of CELL_PX."""

    cells: NDArray[np.bool_]

    @classmethod
    def everywhere(cls, width: int, height: int) -> "Activity":
        """Return the activity that spares nothing of a frame of `width` by `height` px."""
        return cls(np.ones((-(-height // CELL_PX), -(-width // CELL_PX)), dtype=np.bool_))

    @property
    def any(self) -> bool:
        """Whether anything may have changed."""
        return bool(self.cells.any())

    def areas(self) -> list[Box]:
        """Return rectangles in pixels of the frame, apart from one another, that hold all that may have changed."""
        count, _, stats, _ = cv2.connectedComponentsWithStats(self.cells.astype(np.uint8), connectivity=8)
        found = [_in_pixels(stats[index]) for index in range(1, count)]
        apart: list[Box] = []
        while found:
            area = found.pop()
            near = next((other for other in apart if area.common_area(other) > 0), None)
            if near is None:
                apart.append(area)
            else:
                # One that grew may meet others, so it is looked at again.
                apart.remove(near)
                found.append(_around_both(area, near))
        return apart

    def around(self, boxes: Iterable[Box]) -> "Activity":
        """Return this activity and the surroundings of faces that were just found."""
        more = Activity(self.cells.copy())
        for box in boxes:
            margin_x, margin_y = box.width * _AROUND_FACE, box.height * _AROUND_FACE
            more._part(box.left - margin_x, box.top - margin_y, box.right + margin_x, box.bottom + margin_y)[:] = True
        return more

    def _part(self, left: float, top: float, right: float, bottom: float) -> NDArray[np.bool_]:
        first_column, first_row = max(0, math.floor(left / CELL_PX)), max(0, math.floor(top / CELL_PX))
        last_column, last_row = max(0, math.ceil(right / CELL_PX)), max(0, math.ceil(bottom / CELL_PX))
        return self.cells[first_row:last_row, first_column:last_column]


class MotionGate:
    """The background of one clip, and what differs from it."""

    def __init__(self, *, threshold: float, memory_s: float) -> None:
        """`threshold` is in grey levels of 255; in `memory_s` seconds the background takes over 63 % of a change."""
        self._threshold = threshold
        self._memory_s = memory_s
        self._background: NDArray[np.float32] | None = None
        self._seen_s = 0.0

    def look(self, luma: NDArray[np.uint8], at_s: float) -> Activity:
        """Return where `luma` (uint8 HxW) differs from the background, and let the background adapt.

        `at_s` are seconds since the clip's start. The first frame differs everywhere, as does one of another size.
        """
        height, width = luma.shape
        cells = _means(luma)
        if self._background is None or self._background.shape != cells.shape:
            self._background, self._seen_s = cells, at_s
            return Activity.everywhere(width, height)
        change = cells - self._background
        # When the light or the camera's exposure changes, everything does by as much; nobody has moved.
        change -= np.median(change[::_LIGHT_STEP, ::_LIGHT_STEP])
        share = 1 - math.exp(-max(0.0, at_s - self._seen_s) / self._memory_s)
        self._background = self._background + np.float32(share) * (cells - self._background)
        self._seen_s = at_s
        moved = (np.abs(change) > self._threshold).astype(np.uint8)
        # One square more on each side: the rim of what moves differs least.
        return Activity(cv2.dilate(moved, np.ones((3, 3), dtype=np.uint8)).astype(np.bool_))


def _means(luma: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the mean of each square, which drowns the noise of sensor and compression, and costs little."""
    height, width = luma.shape
    if height % CELL_PX == width % CELL_PX == 0:
        # OpenCV halves in a quarter of the time that it takes for an eighth at once.
        for _ in range(_HALVINGS):
            height, width = height // 2, width // 2
            luma = np.asarray(cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
        return luma.astype(np.float32)
    size = (-(-width // CELL_PX), -(-height // CELL_PX))
    return np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def _in_pixels(stats: NDArray[np.int32]) -> Box:
    """Return the rectangle of one group of squares, as OpenCV tells it."""
    left, top, width, height = (float(stats[index]) * CELL_PX for index in range(4))
    return Box(left, top, width, height)


def _around_both(one: Box, other: Box) -> Box:
    left, top = min(one.left, other.left), min(one.top, other.top)
    return Box(left, top, max(one.right, other.right) - left, max(one.bottom, other.bottom) - top)
