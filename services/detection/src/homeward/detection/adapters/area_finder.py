"""Searching the changed areas of a frame with a network that takes pictures of any size."""

from collections.abc import Iterable, Iterator
from typing import Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from homeward.detection.faces import Box, FoundFace, without_repeats
from homeward.detection.motion import Activity

_AROUND_WIDTHS: Final = 1.0
"""How far beyond what changed is searched, in widths of the least face: half of a head that turns may not change."""

_CLOSE_BOXES: Final = 2.5
"""Side of the square of a close look, in widths of the box."""

_CLOSE_PX: Final = 128
"""Side to which that square is brought: the face is then 51 px wide, and more detail moves no landmark any more."""

_AFAR: Final = 0.7
"""Share of the least score that is enough from afar, since whatever is found is looked at closely."""


class PartNetwork(Protocol):
    """A face detector for pictures of any size."""

    def faces(self, picture: NDArray[np.uint8], least_score: float) -> list[FoundFace]:
        """Return the faces of `picture`, uint8 HxWx3 RGB, in its pixels, with repeats; may raise FinderError."""
        ...


class AreaFinder:
    """Searches what changed, shrunk as far as the least face allows, and looks at each find once more from near."""

    def __init__(
        self, network: PartNetwork, *, name: str, sha256: str, least_score: float, least_face_px: int, needed_px: int
    ) -> None:
        """`needed_px` is the width that a face must have for `network`; least_face_px is brought down to it."""
        self.name = name
        self.sha256 = sha256
        self._network = network
        self._least_score = least_score
        self._scale = min(1.0, needed_px / least_face_px)
        self._around_px = round(least_face_px * _AROUND_WIDTHS)

    def find(self, picture: NDArray[np.uint8], activity: Activity) -> list[FoundFace]:
        """Return the faces of `picture`, uint8 HxWx3 RGB; where nothing changed is passed over."""
        found = without_repeats(self._search(picture, activity.areas()))
        near = (self._look_closely(picture, face) for face in found)
        return without_repeats(face for face in near if face is not None and face.score >= self._least_score)

    def close(self) -> None:
        """The network's memory goes with the finder."""

    def _search(self, picture: NDArray[np.uint8], areas: Iterable[Box]) -> Iterator[FoundFace]:
        height, width = picture.shape[:2]
        for area in areas:
            left, top = max(0, int(area.left) - self._around_px), max(0, int(area.top) - self._around_px)
            right = min(width, int(area.right) + self._around_px)
            bottom = min(height, int(area.bottom) + self._around_px)
            yield from self._look(picture[top:bottom, left:right], left, top, self._scale, self._least_score * _AFAR)

    def _look(
        self, part: NDArray[np.uint8], left: int, top: int, scale: float, least_score: float
    ) -> Iterator[FoundFace]:
        """Yield the faces of a part of the frame that begins at `left`, `top`, in pixels of the frame."""
        height, width = part.shape[:2]
        size = max(1, round(width * scale)), max(1, round(height * scale))
        across, down = size[0] / width, size[1] / height
        if size != (width, height):
            shrinks = scale < 1
            part = np.asarray(
                cv2.resize(part, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR), np.uint8
            )
        for face in self._network.faces(part, least_score):
            yield face.placed(left, top, across, down)

    def _look_closely(self, picture: NDArray[np.uint8], face: FoundFace) -> FoundFace | None:
        height, width = picture.shape[:2]
        box = face.box
        side = max(8, min(round(max(box.width, box.height) * _CLOSE_BOXES), width, height))
        left = min(max(0, round(box.centre[0] - side / 2)), width - side)
        top = min(max(0, round(box.centre[1] - side / 2)), height - side)
        part = picture[top : top + side, left : left + side]
        seen = self._look(part, left, top, _CLOSE_PX / side, self._least_score)
        best = max(seen, key=lambda one: one.box.common_area(box), default=None)
        return best if best is not None and best.box.common_area(box) > 0 else None
