"""How alike two pictures of one clip look, so that a track does not pass from one person to the next.

A look is a thumbnail of 12x12 pixels: hair, skin, collar and light. It tells apart two people who cross in front of a
camera within a second; it does not know a face again, lives in memory while its clip is read, and goes nowhere.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

_SIDE_PX: Final = 12

Look = NDArray[np.float32]
"""A vector of length 1, of 432 numbers."""


def look_of(canvas: NDArray[np.uint8]) -> Look:
    """Return the look of an aligned canvas, uint8 176x176x3 RGB."""
    small = cv2.resize(canvas, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA).astype(np.float32).reshape(-1)
    small -= small.mean()
    length = float(np.linalg.norm(small))
    return np.asarray(small / length if length > 0 else small, dtype=np.float32)


def likeness(one: Look, other: Look) -> float:
    """Return 1 for the same picture, whatever its brightness and contrast, to -1 for its negative."""
    return float(one @ other)
