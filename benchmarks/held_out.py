"""Pictures as cameras take them, with faces of known size: what the detectors are compared on.

Portraits on drawn bodies in drawn places, 10 to 120 px wide, a quarter of them masked, under light, blur and noise
drawn by lot, each picture one key frame of H.264. No detector was tuned on them: their seeds are not those of tests.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from homeward.cli.scene.camera import Backdrop, Look, SceneCamera
from homeward.cli.scene.portrait import Box, FacePoints, Portrait
from homeward.cli.scene.render import CameraRenderer, heads_of
from homeward.cli.scene.walk import Walk, Walker
from homeward.detection.faces import Box as FoundBox
from support.scenes import person_ids, portrait

Picture = NDArray[np.uint8]

WIDTH_PX: Final = 1280
HEIGHT_PX: Final = 720

BANDS: Final = ((10, 16), (16, 24), (24, 40), (40, 80), (80, 120))
"""Face widths in pixels, from and below."""

_IN_A_PICTURE: Final = 10
_MASKED: Final = 0.25
_CLEAR: Final = 0.1
"""A face of which somebody nearer hides more is not asked for."""

_MASKS: Final = ((235, 235, 240), (120, 170, 210), (30, 30, 35))
"""White, surgical blue and black."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A picture, uint8 HxWx3 RGB, the faces that must be found in it, and those that need not but are there."""

    picture: Picture
    faces: tuple[Box, ...]
    hidden: tuple[Box, ...]


def held_out(count: int, seed: int = 70_000) -> Iterator[HeldOut]:
    """Yield `count` pictures of about ten faces each; the same ones for the same seed."""
    dice = np.random.default_rng(seed)
    people = person_ids()
    for number in range(count):
        chosen = dice.choice(people, _IN_A_PICTURE, replace=False)
        walkers = tuple(_stander(str(person), column, dice) for column, person in enumerate(chosen))
        look = Look(
            gain=float(dice.uniform(0.55, 1.0)),
            gamma=float(dice.uniform(0.9, 1.3)),
            blur_px=float(dice.uniform(0.4, 1.1)),
            noise=float(dice.uniform(0.5, 3.0)),
        )
        camera = SceneCamera(
            "held-out", 0.1, walkers, backdrop=list(Backdrop)[number % len(Backdrop)], look=look, seed=seed + number
        )
        renderer = CameraRenderer(camera, heads_of(walkers, {}))
        faces = [face for seen in renderer.truth().appearances for face in seen.faces]
        clear = tuple(face.box for face in faces if face.hidden_share <= _CLEAR)
        hidden = tuple(face.box for face in faces if face.hidden_share > _CLEAR)
        yield HeldOut(_compressed(next(renderer.frames()), int(dice.integers(21, 31))), clear, hidden)


def overlaps(face: Box, found: FoundBox, least: float) -> bool:
    """Return whether `found` covers more than `least` of `face` without being four times as large."""
    width = min(face.left + face.width, found.right) - max(face.left, found.left)
    height = min(face.top + face.height, found.bottom) - max(face.top, found.top)
    area = face.width * face.height
    return width > 0 and height > 0 and width * height >= least * area and (least == 0 or found.area < 4 * area)


def _stander(person: str, column: int, dice: np.random.Generator) -> Walker:
    """Return somebody in one column of the picture; wide faces stand lower, since they are nearer."""
    low, high = BANDS[int(dice.integers(len(BANDS)))]
    width = float(np.exp(dice.uniform(np.log(low), np.log(high))))
    x = (column + float(dice.uniform(0.3, 0.7))) * WIDTH_PX / _IN_A_PICTURE
    y = HEIGHT_PX * (0.12 + 0.5 * (width / BANDS[-1][1]) ** 0.5 + float(dice.uniform(-0.04, 0.04)))
    shown = portrait(f"{person}-{dice.choice(['neutral', 'smiling'])}")
    if dice.random() < _MASKED:
        shown = _masked(shown, _MASKS[int(dice.integers(len(_MASKS)))])
    started = -float(dice.uniform(0, 1))
    return Walker(person, shown, Walk(started, 10.0, (x, y), (x + 1, y), (width, width)))


def _masked(shown: Portrait, colour: tuple[int, int, int]) -> Portrait:
    """Return the portrait with a mask from the bridge of the nose to below the chin."""
    points: FacePoints = shown.face
    right, left, mouth = (np.array(point) for point in (points.right_eye, points.left_eye, points.mouth))
    middle, across = (right + left) / 2, left - right
    down = mouth - middle
    outline = [
        middle + 0.38 * down,
        middle + 0.95 * across + 0.42 * down,
        middle + 0.85 * across + 1.2 * down,
        middle + 0.35 * across + 1.7 * down,
        middle - 0.35 * across + 1.7 * down,
        middle - 0.85 * across + 1.2 * down,
        middle - 0.95 * across + 0.42 * down,
    ]
    photo = shown.photo.copy()
    cv2.fillPoly(photo, [np.array(outline, dtype=np.int32)], colour, lineType=cv2.LINE_AA)
    return Portrait(photo, points)


def _compressed(planes: NDArray[np.uint8], quality: int) -> Picture:
    """Return I420 `planes` after H.264 at a constant rate factor of `quality`, as uint8 RGB."""
    coder: Any = av.CodecContext.create("libx264", "w")
    coder.width, coder.height, coder.pix_fmt, coder.time_base = WIDTH_PX, HEIGHT_PX, "yuv420p", Fraction(1, 10)
    coder.options = {"preset": "veryfast", "crf": str(quality), "g": "1"}
    coder.thread_count = 1
    frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
    frame.pts = 0
    decoder: Any = av.CodecContext.create("h264", "r")
    pictures = [one for packet in [*coder.encode(frame), *coder.encode(None)] for one in decoder.decode(packet)] + list(
        decoder.decode(None)
    )
    return np.asarray(pictures[0].to_ndarray(format="rgb24"), dtype=np.uint8)
