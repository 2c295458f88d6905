"""A face's patch of brightness, found again a few frames later: where a face has gone between two samples.

At a few samples a second a walker moves by more than the width of a face, so position alone cannot tell two people
who cross. The frames between are decoded anyway; in each of them the patch is looked for next to where it was.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

_PATCH_PX: Final = 24
"""Side to which a face is brought: enough to be told from its surroundings, and small enough to cost little."""

_REACH_WIDTHS: Final = 0.8
"""How far a face moves at most between two glimpses, a fifteenth of a second apart, at 9 widths a second."""

_LEAST_MATCH: Final = 0.75
"""Normalised correlation below which the patch is lost; neighbouring frames of one face stay above 0.9."""

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Patch:
    """The middle of a face `width_px` wide, brought to 24x24: `pixels` is uint8."""

    width_px: float
    pixels: NDArray[np.uint8]

    @classmethod
    def cut(cls, luma: NDArray[np.uint8], centre: Place, width_px: float) -> "Patch | None":
        """Return the patch around `centre` of `luma` (uint8 HxW); None where it reaches beyond the frame."""
        pixels = _window(luma, centre, width_px, 0.0)
        return None if pixels is None or _flat(pixels) else cls(width_px, pixels)

    def find(self, luma: NDArray[np.uint8], near: Place) -> Place | None:
        """Return where the patch's centre is in `luma` when it is within reach of `near`, or None."""
        window = _window(luma, near, self.width_px, _REACH_WIDTHS)
        if window is None:
            return None
        scores = cv2.matchTemplate(window, self.pixels, cv2.TM_CCOEFF_NORMED)
        _, best, _, (column, row) = cv2.minMaxLoc(scores)
        if not best >= _LEAST_MATCH:
            return None
        scale = self.width_px / _PATCH_PX
        middle = (scores.shape[0] - 1) / 2
        return near[0] + (column - middle) * scale, near[1] + (row - middle) * scale


def _window(luma: NDArray[np.uint8], centre: Place, width_px: float, reach_widths: float) -> NDArray[np.uint8] | None:
    """Return the square of a face's width, and `reach_widths` more on each side, at the scale of a patch.

    What lies beyond the frame repeats its edge; None when the centre itself lies there.
    """
    height, width = luma.shape
    if not (0 <= centre[0] < width and 0 <= centre[1] < height):
        return None
    side = _PATCH_PX + 2 * round(reach_widths * _PATCH_PX)
    scale = width_px / _PATCH_PX
    left, top = centre[0] - side / 2 * scale, centre[1] - side / 2 * scale
    matrix = np.array([[scale, 0, left + scale / 2 - 0.5], [0, scale, top + scale / 2 - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(luma, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8
    )


def _flat(pixels: NDArray[np.uint8]) -> bool:
    """Whether there is nothing in the patch to be found again."""
    return float(pixels.std()) < 1
