"""Faces turned upright and brought to one size, so that the embedder always sees what it was trained on.

An aligned canvas is 176x176: its inner 112x112 square is exactly the embedder's input, and the margin around it is
there for a person who reviews the picture.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

CANVAS_PX: Final = 176
"""Side of an aligned canvas: the embedder's input and a margin of 32 px on every side."""

FACE_PX: Final = 112
"""Side of the embedder's input, the inner square of a canvas."""

_MARGIN_PX: Final = (CANVAS_PX - FACE_PX) // 2

Point = tuple[float, float]

# The five points that ArcFace and MobileFaceNet were trained on, in the 112x112 input; BlazeFace knows the mouth's
# centre alone, so the two corners, (41.5493, 92.3655) and (70.7299, 92.2041), are averaged.
_TARGET: Final = np.array(
    [38.2946 + 51.6963j, 73.5318 + 51.5014j, 56.0252 + 71.7366j, 56.1396 + 92.2848j],
    dtype=np.complex128,
)

_LEAST_SPREAD_PX: Final = 1.0
"""Landmarks closer together than this are one point: no rotation and no scale can be read from them."""


class AlignmentError(ValueError):
    """The landmarks do not describe a face."""


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Four points of a face as (x, y) in pixels of the frame, the centre of the first pixel at (0, 0).

    Right and left are the person's own: in an upright face the right eye has the smaller x. `mouth` is its centre.
    """

    right_eye: Point
    left_eye: Point
    nose: Point
    mouth: Point


def similarity(landmarks: Landmarks) -> NDArray[np.float64]:
    """Return the 2x3 matrix that takes a point of the frame to the canvas.

    It turns, scales and shifts so that the landmarks come closest to the embedder's (least squares, Umeyama 1991).
    Raises AlignmentError when the points coincide or are not numbers.
    """
    points = np.array(
        [
            complex(*landmarks.right_eye),
            complex(*landmarks.left_eye),
            complex(*landmarks.nose),
            complex(*landmarks.mouth),
        ]
    )
    if not np.isfinite(points).all():
        raise AlignmentError("a landmark is not a number")
    # A similarity of the plane without reflection is w = a z + b over the complex numbers, so the least squares of
    # Umeyama's method need no decomposition.
    centred, target = points - points.mean(), _TARGET - _TARGET.mean()
    spread = float(np.vdot(centred, centred).real)
    if spread < _LEAST_SPREAD_PX**2:
        raise AlignmentError("the landmarks lie on one point")
    turn = complex(np.vdot(centred, target)) / spread
    shift = complex(_TARGET.mean()) - turn * complex(points.mean()) + complex(_MARGIN_PX, _MARGIN_PX)
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def align(image: NDArray[np.uint8], landmarks: Landmarks) -> NDArray[np.uint8]:
    """Return the canvas, uint8 176x176x3 RGB, of the face with `landmarks` in `image`, uint8 HxWx3 RGB.

    What lies beyond the frame's edge is black. Raises AlignmentError when the landmarks do not describe a face.
    """
    matrix = similarity(landmarks)
    image, matrix = _shrunk(image, matrix)
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    interpolation = cv2.INTER_LINEAR if scale < 1 else cv2.INTER_CUBIC
    canvas = cv2.warpAffine(image, matrix, (CANVAS_PX, CANVAS_PX), flags=interpolation, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(canvas, dtype=np.uint8)


def inner(canvas: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the embedder's input, 112x112x3, of a canvas of 176x176x3; raise ValueError for another shape."""
    if canvas.shape != (CANVAS_PX, CANVAS_PX, 3):
        raise ValueError(f"an aligned canvas is {CANVAS_PX}x{CANVAS_PX}x3, not {'x'.join(map(str, canvas.shape))}")
    return canvas[_MARGIN_PX:-_MARGIN_PX, _MARGIN_PX:-_MARGIN_PX]


def _shrunk(image: NDArray[np.uint8], matrix: NDArray[np.float64]) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return what the canvas sees of `image`, halved until the warp samples every pixel, and the matrix for it.

    The warp reads four pixels for each of its own, so a large face would come out with jagged edges.
    """
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    factor = int(1 / scale) if scale > 0 else 1
    if factor <= 1:
        return image, matrix
    corners = np.array([[0, 0, 1], [CANVAS_PX, 0, 1], [0, CANVAS_PX, 1], [CANVAS_PX, CANVAS_PX, 1]], dtype=np.float64)
    seen = corners @ cv2.invertAffineTransform(matrix).T
    height, width = image.shape[:2]
    left, top = (max(0, int(edge) - factor) for edge in seen.min(axis=0))
    right, bottom = (
        min(size, int(edge) + 1 + factor) for edge, size in zip(seen.max(axis=0), (width, height), strict=True)
    )
    columns, rows = (right - left) // factor, (bottom - top) // factor
    if columns < 1 or rows < 1:
        return image, matrix
    part = image[top : top + rows * factor, left : left + columns * factor]
    small = np.asarray(cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    # Pixel i of the small picture is the mean of `factor` pixels, so its centre lies at i * factor + (factor - 1) / 2.
    middle = (factor - 1) / 2
    back = np.array([[factor, 0, left + middle], [0, factor, top + middle], [0, 0, 1]], dtype=np.float64)
    return small, np.asarray(matrix @ back)
