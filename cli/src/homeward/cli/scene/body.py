"""A drawn body, so that a head has something to walk on: shoulders, arms, torso, and legs that take steps."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from homeward.cli.scene.cutout import Rgba

UNIT_PX: Final = 64
"""Width of the face to whose scale a body is drawn; a plain drawing loses nothing when it is enlarged."""

STRIDE_PHASES: Final = 12
"""Pictures of one full stride, which is two steps."""

# In face widths (14 cm in adults): shoulders of 45 cm, and 1.4 m from the collar to the soles.
WIDTH: Final = 4.0
HEIGHT: Final = 10.4
BELOW_CHIN: Final = 0.06
"""How far below the chin the collar, the top of a body's picture, lies."""

_MIDDLE: Final = WIDTH / 2
_HIPS: Final = 4.1
_KNEES: Final = 7.0
_SOLES: Final = 10.1
_SUBPIXEL_BITS: Final = 4
_SHADE: Final = 0.82

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Clothes:
    """Colours (RGB) of what somebody wears."""

    top: Colour
    trousers: Colour
    shoes: Colour = (38, 34, 32)


WARDROBE: Final = (
    Clothes((62, 78, 104), (44, 46, 54)),
    Clothes((126, 60, 52), (58, 62, 76)),
    Clothes((70, 96, 76), (70, 62, 52)),
    Clothes((150, 142, 126), (46, 52, 68)),
    Clothes((44, 44, 48), (60, 66, 82)),
    Clothes((108, 92, 122), (50, 48, 48)),
    Clothes((172, 140, 84), (62, 54, 48)),
    Clothes((88, 118, 138), (84, 80, 74)),
)


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """One body in `STRIDE_PHASES` pictures, each `WIDTH` x `HEIGHT` face widths at `UNIT_PX`, the collar on top."""

    phases: tuple[Rgba, ...]

    def at(self, strides: float) -> Rgba:
        """Return the picture after so many strides."""
        return self.phases[int(strides * STRIDE_PHASES) % STRIDE_PHASES]


def draw_body(clothes: Clothes) -> Body:
    """Return a body in `clothes`, seen from the front; about 10 ms."""
    return Body(tuple(_phase(clothes, 2 * np.pi * index / STRIDE_PHASES) for index in range(STRIDE_PHASES)))


def _phase(clothes: Clothes, angle: float) -> Rgba:
    size = (round(HEIGHT * UNIT_PX), round(WIDTH * UNIT_PX))
    picture = np.zeros((*size, 4), dtype=np.uint8)
    # Seen from the front, a leg that swings forward only looks shorter and comes a little outwards.
    swing = float(np.sin(angle))
    for side, lift in ((-1, max(0.0, swing)), (1, max(0.0, -swing))):
        _leg(picture, clothes, side, lift)
    for side, forward in ((-1, -swing), (1, swing)):
        _arm(picture, clothes, side, forward)
    _torso(picture, clothes)
    # Drawn hard, then softened, so that the colour and the opacity fade together.
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.2), dtype=np.uint8)


def _torso(picture: Rgba, clothes: Clothes) -> None:
    outline = [(0.34, 0.10), (0.62, 0.24), (1.10, 0.44), (1.34, 0.80), (1.24, 1.7), (1.04, 2.6), (1.02, _HIPS + 0.25)]
    left = [(_MIDDLE - x, y) for x, y in outline]
    right = [(_MIDDLE + x, y) for x, y in reversed(outline)]
    neckline = [(_MIDDLE + 0.24, 0.26), (_MIDDLE, 0.36), (_MIDDLE - 0.24, 0.26)]
    _polygon(picture, left + right + neckline, clothes.top)
    # One side lies in shadow, a seam runs down the middle, a belt closes the top: enough for a body at CCTV sizes.
    shadow = [(_MIDDLE + 0.56, 0.4), *[(x - 0.02, y) for x, y in right[::-1][2:]], (_MIDDLE + 0.62, _HIPS + 0.25)]
    _polygon(picture, shadow, _darker(clothes.top))
    _line(picture, (_MIDDLE, 0.36), (_MIDDLE, _HIPS + 0.2), 0.05, _darker(clothes.top))
    _line(picture, (_MIDDLE - 1.0, _HIPS + 0.25), (_MIDDLE + 1.0, _HIPS + 0.25), 0.14, _darker(clothes.trousers))


def _arm(picture: Rgba, clothes: Clothes, side: int, forward: float) -> None:
    shoulder = (_MIDDLE + side * 1.16, 0.80)
    elbow = (_MIDDLE + side * (1.42 - 0.05 * forward), 2.45)
    wrist = (_MIDDLE + side * (1.36 - 0.20 * forward), 3.95 - 0.22 * abs(forward))
    colour = _darker(clothes.top)
    _line(picture, shoulder, elbow, 0.52, colour)
    _line(picture, elbow, wrist, 0.42, colour)
    _line(picture, wrist, (wrist[0], wrist[1] + 0.22), 0.32, (168, 128, 106))


def _leg(picture: Rgba, clothes: Clothes, side: int, lift: float) -> None:
    hip = (_MIDDLE + side * 0.50, _HIPS + 0.3)
    knee = (_MIDDLE + side * (0.54 + 0.10 * lift), _KNEES - 0.25 * lift)
    ankle = (_MIDDLE + side * (0.52 + 0.04 * lift), _SOLES - 0.35 - 0.9 * lift)
    colour = _darker(clothes.trousers) if lift > 0 else clothes.trousers
    _line(picture, hip, knee, 0.88, colour)
    _line(picture, knee, ankle, 0.66, colour)
    _line(picture, ankle, (ankle[0] + side * 0.12, ankle[1] + 0.22), 0.52, clothes.shoes)


def _polygon(picture: Rgba, points: list[tuple[float, float]], colour: Colour) -> None:
    scaled = np.round(np.array(points) * UNIT_PX * 2**_SUBPIXEL_BITS).astype(np.int32)
    cv2.fillPoly(picture, [scaled], (*colour, 255), cv2.LINE_8, _SUBPIXEL_BITS)


def _line(picture: Rgba, start: tuple[float, float], end: tuple[float, float], width: float, colour: Colour) -> None:
    ends = [(round(x * UNIT_PX), round(y * UNIT_PX)) for x, y in (start, end)]
    cv2.line(picture, ends[0], ends[1], (*colour, 255), round(width * UNIT_PX))


def _darker(colour: Colour) -> Colour:
    red, green, blue = (round(value * _SHADE) for value in colour)
    return red, green, blue
