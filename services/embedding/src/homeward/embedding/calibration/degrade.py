"""A portrait as a camera would have seen it: small, dark, blurred, noisy and compressed."""

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from homeward.embedding.ports import FaceFinder
from homeward.shared.vision.blazeface import FoundFace
from homeward.shared.vision.jpeg import decode_picture, encode_jpeg

_AROUND: Final = 3.0
"""The part of the portrait that is kept: a square this many faces wide, in which a detector sees a face best."""

_GAIN: Final = (0.55, 0.9)
_BLUR_PX: Final = (0.4, 0.6)
_NOISE: Final = (2.0, 4.0)
"""Standard deviation in grey levels. With these ranges the scores fall with the width as they do on composed scenes."""

_JPEG_QUALITY: Final = 60
"""About what H.264 leaves of a face at 4 Mbit/s."""

_MOST_PIXELS: Final = 10**8


def as_seen(
    photo: NDArray[np.uint8], face: FoundFace, width_px: float, random: np.random.Generator
) -> NDArray[np.uint8]:
    """Return the square around `face` of `photo`, uint8 HxWx3 RGB, with the face `width_px` wide as a camera sees it.

    `random` decides the light, the blur, the noise and where the pixels' edges fall.
    """
    side = max(1, round(_AROUND * face.width_px))
    left = round(face.left_px + face.width_px / 2 - side / 2)
    top = round(face.top_px + face.height_px / 2 - side / 2)
    rows, columns = photo.shape[:2]
    beyond = max(0, -left, -top, left + side - columns, top + side - rows)
    wide = cv2.copyMakeBorder(photo, beyond, beyond, beyond, beyond, cv2.BORDER_REPLICATE)
    part = wide[top + beyond : top + beyond + side, left + beyond : left + beyond + side]
    small = _shrunk(np.asarray(part, dtype=np.uint8), round(_AROUND * width_px), random.uniform(-0.5, 0.5, 2))
    seen = small.astype(np.float32) * random.uniform(*_GAIN)
    seen = cv2.GaussianBlur(seen, (0, 0), random.uniform(*_BLUR_PX)).astype(np.float32)
    seen = seen + random.normal(0, random.uniform(*_NOISE), seen.shape).astype(np.float32)
    return decode_picture(encode_jpeg(seen.clip(0, 255).astype(np.uint8), _JPEG_QUALITY), _MOST_PIXELS)


def face_in(seen: NDArray[np.uint8], width_px: float, finder: FaceFinder) -> FoundFace | None:
    """Return the face in the middle of what `as_seen` gave, or None when it is not found."""
    middle = seen.shape[0] / 2
    return next(
        (
            face
            for face in finder.find(seen)
            if math.dist((face.left_px + face.width_px / 2, face.top_px + face.height_px / 2), (middle, middle))
            < width_px / 2
        ),
        None,
    )


def _shrunk(part: NDArray[np.uint8], side: int, shift: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return `part`, a square, at `side` px, moved by `shift` px of the small picture."""
    scale = side / part.shape[0]
    moved = cv2.warpAffine(
        part,
        np.array([[1, 0, shift[0] / scale], [0, 1, shift[1] / scale]]),
        (part.shape[1], part.shape[0]),
        borderMode=cv2.BORDER_REPLICATE,
    )
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(moved, (side, side), interpolation=interpolation), dtype=np.uint8)
