"""Places drawn from nothing: a corridor, a street and a hall, each as a ceiling camera sees it."""

from typing import Final

import cv2
import numpy as np

from homeward.cli.scene.camera import Backdrop
from homeward.cli.scene.portrait import Rgb

_SUBPIXEL_BITS: Final = 4
_GRAIN: Final = 3.0

Colour = tuple[int, int, int]


def draw_backdrop(kind: Backdrop, width_px: int, height_px: int, seed: int) -> Rgb:
    """Return the place, uint8 HxWx3 RGB; the same for the same seed."""
    draw = {Backdrop.CORRIDOR: _corridor, Backdrop.STREET: _street, Backdrop.HALL: _hall}[kind]
    dice = np.random.default_rng(seed)
    canvas = _Canvas(width_px, height_px)
    draw(canvas, dice)
    return _lit(canvas.picture, dice)


class _Canvas:
    """A picture that is drawn on in shares of its size, (0, 0) top left and (1, 1) bottom right."""

    def __init__(self, width_px: int, height_px: int) -> None:
        self.picture: Rgb = np.zeros((height_px, width_px, 3), dtype=np.uint8)
        self._size = np.array([width_px, height_px])

    def fill(self, points: list[tuple[float, float]], colour: Colour) -> None:
        scaled = np.round(np.array(points) * self._size * 2**_SUBPIXEL_BITS).astype(np.int32)
        cv2.fillPoly(self.picture, [scaled], colour, cv2.LINE_AA, _SUBPIXEL_BITS)

    def block(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        self.fill([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def line(self, start: tuple[float, float], end: tuple[float, float], colour: Colour, width: float = 0.002) -> None:
        ends = np.round(np.array([start, end]) * self._size * 2**_SUBPIXEL_BITS).astype(int).tolist()
        thickness = max(1, round(width * int(self._size[1])))
        cv2.line(self.picture, ends[0], ends[1], colour, thickness, cv2.LINE_AA, _SUBPIXEL_BITS)


def _corridor(canvas: _Canvas, dice: np.random.Generator) -> None:
    far = (0.38, 0.14, 0.62, 0.40)  # left, top, right and bottom of the wall at the end
    left, top, right, bottom = far
    canvas.fill([(0, 0), (1, 0), (right, top), (left, top)], (196, 196, 190))
    canvas.fill([(0, 0), (left, top), (left, bottom), (0, 1)], (176, 172, 160))
    canvas.fill([(1, 0), (right, top), (right, bottom), (1, 1)], (164, 160, 150))
    canvas.fill([(0, 1), (left, bottom), (right, bottom), (1, 1)], (126, 122, 116))
    canvas.block(*far, (186, 182, 172))
    canvas.block(0.46, 0.20, 0.54, bottom, (92, 108, 122))
    canvas.line((0.50, 0.20), (0.50, bottom), (60, 70, 80))
    for step in range(1, 9):  # floor tiles: rows closer together with distance
        depth = (step / 9) ** 2.2
        y = bottom + (1 - bottom) * depth
        canvas.line((left * (1 - depth), y), (right + (1 - right) * depth, y), (112, 108, 102))
    for share in np.linspace(0, 1, 9):
        canvas.line((left + (right - left) * share, bottom), (float(share) * 1.8 - 0.4, 1), (112, 108, 102))
    for side in (0, 1):
        for near, distant in ((0.05, 0.32), (0.50, 0.64), (0.76, 0.86)):
            wood = tuple(int(value) + int(dice.integers(-8, 9)) for value in (118, 92, 70))
            corners = ((near, 0.22), (distant, 0.22), (distant, 1.0), (near, 1.0))
            canvas.fill([_on_wall(far, side, depth, height) for depth, height in corners], (wood[0], wood[1], wood[2]))
        canvas.line(_on_wall(far, side, 0, 0.97), _on_wall(far, side, 1, 0.97), (98, 94, 88), 0.006)
    for near, distant in ((0.10, 0.30), (0.48, 0.60), (0.74, 0.82)):  # lamps in the ceiling
        lamp = [_on_ceiling(far, share, depth) for share, depth in ((0.4, near), (0.6, near), (0.6, distant))]
        canvas.fill([*lamp, _on_ceiling(far, 0.4, distant)], (250, 250, 242))


def _on_wall(far: tuple[float, ...], side: int, depth: float, height: float) -> tuple[float, float]:
    left, top, right, bottom = far
    x = left * depth if side == 0 else 1 - (1 - right) * depth
    upper, lower = top * depth, 1 + (bottom - 1) * depth
    return x, upper + (lower - upper) * height


def _on_ceiling(far: tuple[float, ...], share: float, depth: float) -> tuple[float, float]:
    left, top, right, _ = far
    start, end = left * depth, 1 - (1 - right) * depth
    return start + (end - start) * share, top * depth


def _street(canvas: _Canvas, dice: np.random.Generator) -> None:
    canvas.block(0, 0, 1, 0.10, (198, 206, 214))
    canvas.block(0, 0.46, 1, 0.86, (142, 140, 136))
    canvas.block(0, 0.86, 1, 1, (84, 86, 90))
    canvas.block(0, 0.845, 1, 0.87, (176, 174, 168))
    for index in range(14):  # paving
        x = (index / 13 - 0.5) * 1.1
        canvas.line((0.5 + x * 0.9, 0.46), (0.5 + x * 1.5, 0.845), (128, 126, 122))
    for y in (0.50, 0.56, 0.64, 0.74):
        canvas.line((0, y), (1, y), (128, 126, 122))
    edges = [0.0, 0.27, 0.58, 0.80, 1.0]
    walls: list[Colour] = [(150, 104, 86), (188, 178, 156), (122, 118, 120), (164, 142, 112)]
    for left, right, wall in zip(edges, edges[1:], walls, strict=False):
        canvas.block(left, float(dice.uniform(0.0, 0.05)), right, 0.47, wall)
        canvas.block(left, 0.455, right, 0.475, _scaled(wall, 0.7))
        _shop(canvas, dice, left, right, wall)
    canvas.line((0.905, 0), (0.905, 0.80), (62, 64, 66), 0.022)
    canvas.block(0.885, 0.78, 0.925, 0.83, (56, 58, 60))
    canvas.fill([(0.05, 0.94), (0.30, 0.94), (0.27, 0.97), (0.01, 0.97)], (188, 188, 182))
    canvas.fill([(0.45, 0.94), (0.70, 0.94), (0.69, 0.97), (0.43, 0.97)], (188, 188, 182))


def _shop(canvas: _Canvas, dice: np.random.Generator, left: float, right: float, wall: Colour) -> None:
    margin = 0.10 * (right - left)
    awnings: list[Colour] = [(110, 52, 48), (52, 82, 70), (58, 70, 104)]
    canvas.block(left + margin, 0.14, right - margin, 0.19, awnings[int(dice.integers(3))])
    door = left + margin + (right - left - 2 * margin) * float(dice.uniform(0.55, 0.75))
    canvas.block(left + margin, 0.20, door - 0.01, 0.40, (74, 90, 100))
    canvas.fill([(left + margin, 0.20), (left + margin + 0.05, 0.20), (left + margin + 0.01, 0.40)], (112, 128, 138))
    canvas.block(door, 0.20, right - margin, 0.46, (66, 60, 56))
    for index in range(3):
        x = left + margin + (right - left - 2 * margin) * index / 3
        canvas.block(x, 0.02, x + 0.05, 0.11, _scaled(wall, 0.55))


def _hall(canvas: _Canvas, dice: np.random.Generator) -> None:
    canvas.block(0, 0, 1, 0.44, (158, 166, 170))
    canvas.fill([(0, 0.44), (1, 0.44), (1, 1), (0, 1)], (150, 144, 134))
    for index in range(9):  # a glass front
        x = index / 8
        canvas.block(x + 0.008, 0.03, x + 0.117, 0.40, _scaled((186, 202, 212), float(dice.uniform(0.82, 1.0))))
    canvas.block(0, 0.20, 1, 0.215, (108, 112, 114))
    canvas.block(0, 0.40, 1, 0.445, (92, 92, 92))
    for index in range(16):
        x = (index / 15 - 0.5) * 1.1
        canvas.line((0.5 + x, 0.445), (0.5 + x * 2.2, 1), (136, 130, 120))
    for y in (0.48, 0.53, 0.60, 0.70, 0.84):
        canvas.line((0, y), (1, y), (136, 130, 120))
    for x in (0.14, 0.86):
        canvas.block(x - 0.03, 0, x + 0.03, 0.62, (176, 172, 164))
        canvas.block(x + 0.012, 0, x + 0.03, 0.62, (150, 146, 138))
    canvas.block(0.40, 0.05, 0.60, 0.15, (32, 46, 70))  # a board with lines of text too far away to read
    for index in range(4):
        y = 0.065 + 0.02 * index
        canvas.block(0.41, y, 0.41 + float(dice.uniform(0.08, 0.17)), y + 0.009, (222, 206, 132))


def _scaled(colour: Colour, factor: float) -> Colour:
    red, green, blue = (min(255, round(value * factor)) for value in colour)
    return red, green, blue


def _lit(picture: Rgb, dice: np.random.Generator) -> Rgb:
    """Return `picture` with the unevenness of real surfaces and light, darker towards the corners."""
    height, width = picture.shape[:2]
    coarse = dice.normal(0, _GRAIN, (max(2, height // 40), max(2, width // 40))).astype(np.float32)
    stains = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    grain = dice.normal(0, _GRAIN / 2, (height, width)).astype(np.float32)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    light = 1.04 - 0.22 * (x**2 + y**2) / 2
    soft = cv2.GaussianBlur(picture, (0, 0), 0.9).astype(np.float32)
    lit = (soft + (stains + grain)[..., None]) * light[..., None]
    return np.asarray(np.clip(lit, 0, 255), dtype=np.uint8)
