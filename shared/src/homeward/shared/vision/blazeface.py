"""What BlazeFace full range answers, made into faces. Pure: no interpreter stands here."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from homeward.shared.vision.alignment import Landmarks

INPUT_PX: Final = 192
"""Side of the model's square input."""

_CELLS: Final = 48
"""Anchors a side: one in the middle of each cell of 4 px."""

ANCHORS: Final = _CELLS * _CELLS

_RAW_LIMIT: Final = 80.0
"""Raw scores beyond this overflow the exponential in 32 bits and are certain anyway."""

_OVERLAP: Final = 0.3
"""Boxes that share more of their union than this are one face (MediaPipe's own figure)."""


@dataclass(frozen=True, slots=True)
class FoundFace:
    """One face in pixels of the picture; `score` is 0 to 1."""

    left_px: float
    top_px: float
    width_px: float
    height_px: float
    score: float
    landmarks: Landmarks


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a picture was laid into the model's square: model px = picture px * scale + shift."""

    scale: float
    shift_x_px: float
    shift_y_px: float


def letterbox(image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], Letterbox]:
    """Return the model's input, float32 1x192x192x3 from -1 to 1, of `image` (uint8 HxWx3 RGB), and how it was laid."""
    height, width = image.shape[:2]
    scale = INPUT_PX / max(height, width)
    inside_width, inside_height = max(1, round(width * scale)), max(1, round(height * scale))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(image, (inside_width, inside_height), interpolation=interpolation)
    left, top = (INPUT_PX - inside_width) // 2, (INPUT_PX - inside_height) // 2
    square = np.zeros((1, INPUT_PX, INPUT_PX, 3), dtype=np.float32)
    square[0, top : top + inside_height, left : left + inside_width] = small
    square -= 127.5
    square /= 127.5
    return square, Letterbox(scale, left, top)


def decode(
    regressors: NDArray[np.float32], scores: NDArray[np.float32], laid: Letterbox, least_score: float
) -> list[FoundFace]:
    """Return the faces of one answer, best first, overlapping ones merged.

    `regressors` is 1x2304x16 (box centre and size, then right eye, left eye, nose, mouth and two ears, in model px
    from the anchor), `scores` is 1x2304x1 before the sigmoid.
    """
    sure = 1 / (1 + np.exp(-np.clip(scores.reshape(-1).astype(np.float64), -_RAW_LIMIT, _RAW_LIMIT)))
    kept = np.flatnonzero(sure >= least_score)
    if kept.size == 0:
        return []
    points = regressors.reshape(ANCHORS, 8, 2)[kept].astype(np.float64)
    cell_px = INPUT_PX / _CELLS
    anchors = np.stack([kept % _CELLS, kept // _CELLS], axis=1) * cell_px + cell_px / 2
    size = points[:, 1] / laid.scale
    placed = (points + anchors[:, None] - (laid.shift_x_px, laid.shift_y_px)) / laid.scale
    boxes = np.concatenate([placed[:, 0] - size / 2, size], axis=1)
    # (x, y) of a box counts from the picture's corner, a landmark from the centre of its first pixel.
    marks = placed[:, 2:6] - 0.5
    return _merge(boxes, marks, sure[kept])


def _merge(boxes: NDArray[np.float64], marks: NDArray[np.float64], sure: NDArray[np.float64]) -> list[FoundFace]:
    """Return one face for each group of overlapping boxes, weighted by score as MediaPipe does."""
    solid: NDArray[np.bool_] = np.all(boxes[:, 2:] > 0, axis=1)
    left = np.argsort(-sure, kind="stable")
    left = left[solid[left]]
    faces = []
    while left.size:
        same: NDArray[np.bool_] = np.greater(overlap(boxes[left[0]], boxes[left]), _OVERLAP)
        same[0] = True
        group = left[same]
        weights = sure[group] / sure[group].sum()
        box = np.einsum("i,ij->j", weights, boxes[group])
        faces.append(_face(box, np.einsum("i,ijk->jk", weights, marks[group]), float(sure[left[0]])))
        left = left[~same]
    return faces


def overlap(box: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of the union that `box` (left, top, width, height) has in common with each of `boxes` (Nx4)."""
    edges = np.minimum(box[:2] + box[2:], boxes[:, :2] + boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    common = edges.clip(min=0).prod(axis=1)
    union = box[2:].prod() + boxes[:, 2:].prod(axis=1) - common
    return np.asarray(common / np.maximum(union, np.finfo(np.float64).tiny))


def _face(box: NDArray[np.float64], marks: NDArray[np.float64], score: float) -> FoundFace:
    right_eye, left_eye, nose, mouth = ((float(x), float(y)) for x, y in marks)
    left, top, width, height = (float(side) for side in box)
    return FoundFace(left, top, width, height, score, Landmarks(right_eye, left_eye, nose, mouth))
