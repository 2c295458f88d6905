"""Where a detector with a small square input must look, so that small faces are large enough for it.

The frame is searched at several sizes. At the largest, the least face that is wanted is as wide as the detector needs;
each next one is half the size, down to the one at which the whole frame fits into the input. At each size, what may
have changed is covered by squares that overlap by more than the largest face that no smaller size finds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from homeward.detection.faces import Box

_OVERLAP: Final = 0.3
"""Share of a tile that its neighbour repeats: a face twice the least width, with its box, fits into it."""

_AROUND_PX: Final = 16
"""How much of the input is searched beyond what changed: half a face may change while the other half does not."""

_WORTH: Final = 1.4
"""A size at which the frame is less than this many inputs long finds hardly more than the whole frame does."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of a level's picture, in the level's pixels."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Level:
    """The frame at one size: level px = frame px * scale."""

    scale: float
    width: int
    height: int

    def cover(self, areas: Iterable[Box], input_px: int) -> list[Tile]:
        """Return tiles of at most `input_px` a side, within the level, that cover `areas` (in pixels of the frame)."""
        tiles: dict[Tile, None] = {}
        for area in areas:
            across = _starts(area.left * self.scale, area.right * self.scale, self.width, input_px)
            down = _starts(area.top * self.scale, area.bottom * self.scale, self.height, input_px)
            width, height = min(input_px, self.width), min(input_px, self.height)
            tiles |= dict.fromkeys(Tile(left, top, width, height) for top in down for left in across)
        return list(tiles)


def plan_levels(width: int, height: int, *, input_px: int, needed_px: int, least_face_px: int) -> tuple[Level, ...]:
    """Return the levels that find faces from `least_face_px` wide up to the whole frame of `width` by `height` px.

    The detector's input is `input_px` square, and finds faces of `needed_px` in it. The whole frame comes first.
    """
    longest = max(width, height)
    levels = [_level(width, height, min(1.0, input_px / longest))]
    scale = min(1.0, needed_px / least_face_px)
    while scale * longest > input_px * _WORTH:
        levels.append(_level(width, height, scale))
        scale /= 2
    return tuple(levels)


def _level(width: int, height: int, scale: float) -> Level:
    return Level(scale, max(1, round(width * scale)), max(1, round(height * scale)))


def _starts(first: float, last: float, length: int, tile: int) -> list[int]:
    """Return where tiles begin so that they cover `first` to `last` of `length` evenly and repeat the overlap."""
    if length <= tile:
        return [0]
    first, last = max(0.0, first - _AROUND_PX), min(float(length), last + _AROUND_PX)
    rest = last - first - tile
    if rest <= 0:
        middle = (first + last) / 2
        return [min(max(0, round(middle - tile / 2)), length - tile)]
    count = -(-int(rest) // int(tile * (1 - _OVERLAP))) + 1
    return [min(max(0, round(first + index * rest / (count - 1))), length - tile) for index in range(count)]
