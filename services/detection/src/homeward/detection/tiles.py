"""Where a detector with a small square input must look, so that small faces are large enough for it.

An area of the frame is searched at several sizes. At the largest, the least face that is wanted is as wide as the
detector needs; each next one is half the size, down to the one at which the whole area fits into the input. At each
size the area is covered by squares that overlap by more than the largest face that no smaller size finds.
"""

from dataclasses import dataclass
from typing import Final

_OVERLAP: Final = 0.3
"""Share of a tile that its neighbour repeats: a face twice the least width, with its box, fits into it."""

_WORTH: Final = 1.4
"""A size at which the area is less than this many inputs long finds hardly more than the whole area does."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of a level's picture, in the level's pixels."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Level:
    """An area at one size: level px = frame px * scale."""

    scale: float
    width: int
    height: int
    tiles: tuple[Tile, ...]


def plan_levels(width: int, height: int, *, input_px: int, needed_px: int, least_face_px: int) -> tuple[Level, ...]:
    """Return the levels that find faces from `least_face_px` wide up to the whole area of `width` by `height` px.

    The detector's input is `input_px` square, and finds faces of `needed_px` in it. The whole area comes first.
    """
    longest = max(width, height)
    whole = min(1.0, input_px / longest)
    levels = [_level(width, height, whole, input_px)]
    scale = min(1.0, needed_px / least_face_px)
    while scale * longest > input_px * _WORTH:
        levels.append(_level(width, height, scale, input_px))
        scale /= 2
    return tuple(levels)


def _level(width: int, height: int, scale: float, input_px: int) -> Level:
    columns, rows = max(1, round(width * scale)), max(1, round(height * scale))
    tiles = tuple(
        Tile(left, top, min(input_px, columns), min(input_px, rows))
        for top in _starts(rows, input_px)
        for left in _starts(columns, input_px)
    )
    return Level(scale, columns, rows, tiles)


def _starts(length: int, tile: int) -> list[int]:
    """Return where tiles begin so that they cover `length` evenly and repeat at least the overlap."""
    rest = length - tile
    if rest <= 0:
        return [0]
    count = -(-rest // max(1, int(tile * (1 - _OVERLAP)))) + 1
    return [round(index * rest / (count - 1)) for index in range(count)]
