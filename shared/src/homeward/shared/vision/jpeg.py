"""Pictures as bytes. What comes from outside is measured before it is decoded."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

DEFAULT_QUALITY: Final = 95
"""High enough that a crop's template differs little from the frame's (cosine above 0.99)."""

_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_PNG_HEADER_BYTES: Final = 24
_JPEG_START: Final = b"\xff\xd8"
_JPEG_END: Final = b"\xff\xd9"
_START_OF_SCAN: Final = 0xDA
# Every start-of-frame marker; the others between 0xC0 and 0xCF are tables.
_FRAME_MARKERS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_FRAME_HEADER_BYTES: Final = 7


class PictureError(ValueError):
    """The bytes are not a whole JPEG or PNG, or one that is too large to decode."""


def encode_jpeg(rgb: NDArray[np.uint8], quality: int = DEFAULT_QUALITY) -> bytes:
    """Return `rgb`, uint8 HxWx3, as a JPEG of `quality` 1 to 100 with full colour resolution."""
    parameters = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        # A face in a canvas is small: halved colour would cost the embedder more than it saves.
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), parameters)
    if not done:
        raise PictureError("the picture cannot be written as a JPEG")
    return bytes(data)


def decode_picture(data: bytes, max_pixels: int) -> NDArray[np.uint8]:
    """Return the JPEG or PNG in `data` as uint8 HxWx3 RGB, turned as its EXIF orientation says.

    Raises PictureError for anything else, for a picture that is cut short, and, before any memory is given to it, for
    one of more than `max_pixels`.
    """
    width, height = _size(data)
    if width < 1 or height < 1:
        raise PictureError("the picture has no pixels")
    if width * height > max_pixels:
        raise PictureError(f"the picture has {width}x{height} pixels, more than the {max_pixels} allowed")
    try:
        picture = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:
        raise PictureError("the picture cannot be decoded") from error
    if picture is None:
        raise PictureError("the picture cannot be decoded")
    if sorted(picture.shape[:2]) != sorted((height, width)):
        raise PictureError("the picture is not of the size that its header says")
    return np.asarray(picture, dtype=np.uint8)


def _size(data: bytes) -> tuple[int, int]:
    """Return (width, height) as the header says."""
    if data.startswith(_PNG_SIGNATURE):
        return _png_size(data)
    if data.startswith(_JPEG_START):
        return _jpeg_size(data)
    raise PictureError("the bytes are neither a JPEG nor a PNG")


def _png_size(data: bytes) -> tuple[int, int]:
    if len(data) < _PNG_HEADER_BYTES or data[12:16] != b"IHDR" or b"IEND" not in data[-16:]:
        raise PictureError("the PNG is cut short")
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def _jpeg_size(data: bytes) -> tuple[int, int]:
    at, size = len(_JPEG_START), None
    while at + 4 <= len(data):
        if data[at] != 0xFF:  # noqa: PLR2004 - every JPEG marker begins with it
            break
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xFF:  # noqa: PLR2004 - padding before a marker
            at += 1
            continue
        if marker in _FRAME_MARKERS and size is None and length >= _FRAME_HEADER_BYTES:
            size = int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        if marker == _START_OF_SCAN:
            # Within a scan 0xFF is followed by 0x00, so this finds the end of the picture and no thumbnail's; a
            # decoder would paint the missing part grey and say nothing.
            if size is None or data.find(_JPEG_END, at) < 0:
                break
            return size
        at += 2 + length
    raise PictureError("the JPEG is cut short or broken")
