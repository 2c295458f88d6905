"""A head cut out of a photo: the face, the hair around it and the neck, with a soft edge."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from homeward.cli.scene.portrait import Portrait, Rgb

Rgba = NDArray[np.uint8]
"""uint8 HxWx4, the colours already multiplied by the opacity, so that pasting is one product and one sum."""

FACE_PX: Final = 160
"""Width of the face in the largest level of a head."""

# The canvas around a face box, in face widths: room for hair above and beside it, and for the neck below.
_ABOVE: Final = 0.80
_BESIDE: Final = 0.75
_BELOW: Final = 0.55
_FACE_HEIGHT: Final = 2.45 / 2.2

CANVAS_WIDTH: Final = 1 + 2 * _BESIDE
CANVAS_HEIGHT: Final = _ABOVE + _FACE_HEIGHT + _BELOW
FACE_LEFT: Final = _BESIDE
FACE_TOP: Final = _ABOVE
CHIN: Final = _ABOVE + _FACE_HEIGHT

_LEVELS: Final = 3
_ROUNDS: Final = 2
_SHRUNK: Final = 2
"""The outline is looked for at half size: it is blurred afterwards anyway, and the search is four times as fast."""


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """One head in halving sizes: level i holds a face `FACE_PX` / 2**i wide at (`FACE_LEFT`, `FACE_TOP`) widths."""

    levels: tuple[Rgba, ...]

    def level_for(self, face_width_px: float) -> tuple[Rgba, float]:
        """Return the smallest level whose face is at least as wide, and that level's face width in px."""
        chosen = 0
        while chosen + 1 < len(self.levels) and FACE_PX / 2 ** (chosen + 1) >= face_width_px:
            chosen += 1
        return self.levels[chosen], FACE_PX / 2**chosen


def cut_out(portrait: Portrait) -> Head:
    """Return the head in `portrait`; about 50 ms of one core.

    The outline is found by GrabCut, begun from where heads are, so that any background will do.
    """
    colours = _framed(portrait)
    opacity = _opacity(colours)
    top = np.dstack([_multiplied(colours, opacity), opacity])
    levels = [top]
    while len(levels) < _LEVELS:
        height, width = levels[-1].shape[:2]
        smaller = cv2.resize(levels[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        levels.append(np.asarray(smaller, dtype=np.uint8))
    return Head(tuple(levels))


def toned(head: Head, table: NDArray[np.uint8]) -> Head:
    """Return `head` under other light: `table` (256 values) maps each colour value; opacity stays."""
    levels = []
    for level in head.levels:
        changed = level.copy()
        # What was multiplied by the opacity must not gain more than the opacity allows.
        changed[..., :3] = np.minimum(cv2.LUT(level[..., :3], table), level[..., 3:])
        levels.append(changed)
    return Head(tuple(levels))


def _framed(portrait: Portrait) -> Rgb:
    """Return the part of the photo that the canvas shows, at the largest level's size; edges are continued."""
    box = portrait.face.box()
    unit = box.width
    scale = FACE_PX / unit
    left, top = box.left - _BESIDE * unit, box.top - _ABOVE * unit
    width, height = round(CANVAS_WIDTH * FACE_PX), round(CANVAS_HEIGHT * FACE_PX)
    photo = portrait.photo
    shrink = max(1, int(1 / scale))
    if shrink > 1:
        size = (photo.shape[1] // shrink, photo.shape[0] // shrink)
        photo = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        left, top, scale = left / shrink, top / shrink, scale * shrink
    matrix = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]], dtype=np.float64)
    framed = cv2.warpAffine(photo, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(framed, dtype=np.uint8)


def _opacity(colours: Rgb) -> NDArray[np.uint8]:
    """Return 0 to 255 for each pixel of a framed head."""
    height, width = colours.shape[0] // _SHRUNK, colours.shape[1] // _SHRUNK
    small = cv2.resize(colours, (width, height), interpolation=cv2.INTER_AREA)
    unit = FACE_PX // _SHRUNK
    middle_x, middle_y = width // 2, round((FACE_TOP + _FACE_HEIGHT / 2) * unit)
    mask = np.full((height, width), cv2.GC_BGD, dtype=np.uint8)
    # Hair reaches higher than wide; the neck is narrower than the jaw and ends in a round collar.
    _ellipse(mask, (middle_x, middle_y - round(0.16 * unit)), (round(0.70 * unit), round(0.98 * unit)), cv2.GC_PR_BGD)
    _ellipse(mask, (middle_x, middle_y - round(0.08 * unit)), (round(0.58 * unit), round(0.78 * unit)), cv2.GC_PR_FGD)
    mask[round(CHIN * unit) :, :] = cv2.GC_BGD
    collar = np.zeros_like(mask)
    _ellipse(collar, (middle_x, round((CHIN - 0.12) * unit)), (round(0.34 * unit), round(0.58 * unit)), 1)
    collar[: round((CHIN - 0.12) * unit), :] = 0
    mask[collar == 1] = cv2.GC_PR_FGD
    _ellipse(mask, (middle_x, middle_y), (round(0.40 * unit), round(0.52 * unit)), cv2.GC_FGD)
    _ellipse(mask, (middle_x, middle_y - round(0.24 * unit)), (round(0.38 * unit), round(0.53 * unit)), cv2.GC_FGD)
    allowed = mask != cv2.GC_BGD
    cv2.setRNGSeed(1)  # GrabCut's first colour clusters are drawn at random: the same photo must give the same outline
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(small, mask, (0, 0, 0, 0), background, foreground, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    kept = np.where(((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD) | (collar == 1)) & allowed, 255, 0).astype(np.uint8)
    kept = _largest_piece(kept)
    full = cv2.resize(kept, (colours.shape[1], colours.shape[0]), interpolation=cv2.INTER_LINEAR)
    soft = cv2.GaussianBlur(full, (0, 0), 0.014 * FACE_PX)
    # The blurred edge is drawn inwards, so that no rim of the photo's background comes along.
    inward = np.clip((soft.astype(np.int32) - 96) * 255 // (255 - 96), 0, 255)
    return inward.astype(np.uint8)


def _ellipse(mask: NDArray[np.uint8], centre: tuple[int, int], axes: tuple[int, int], value: int) -> None:
    cv2.ellipse(mask, centre, axes, 0, 0, 360, value, -1)


def _largest_piece(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return `mask` without specks: its largest connected piece, with small holes closed."""
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((7, 7), dtype=np.uint8))
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((3, 3), dtype=np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened)
    if count <= 1:
        return np.asarray(opened, dtype=np.uint8)
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    return np.where(labels == largest, 255, 0).astype(np.uint8)


def _multiplied(colours: Rgb, opacity: NDArray[np.uint8]) -> Rgb:
    product = cv2.multiply(colours, cv2.cvtColor(opacity, cv2.COLOR_GRAY2RGB), scale=1 / 255)
    return np.asarray(product, dtype=np.uint8)
