"""Reference photos as they are stored: the pixels, and nothing else that a camera or an editor put into the file."""

from typing import Final

import cv2
import numpy as np

from homeward.shared.vision.jpeg import PictureError, decode_picture, encode_jpeg

MAX_FILE_BYTES: Final = 30 * 1024 * 1024
"""More than any phone writes; what is larger is refused unread."""

MAX_PIXELS: Final = 60_000_000
"""More than a professional camera takes: 180 MB while it is decoded."""

LONGEST_SIDE_PX: Final = 2048
"""A face that fills a tenth of it is still twice as wide as the embedder's input."""


class PhotoError(Exception):
    """A reference photo that cannot be used; it names the photo by its position and never by its file's name.

    People call such files by the name of who is in them.
    """


def normalise_photo(data: bytes, position: int) -> bytes:
    """Return a photo (JPEG or PNG) as a JPEG of at most 2048 px: turned upright, without EXIF, place or thumbnail.

    `position` counts the photos from 1, for the error. Raises PhotoError.
    """
    if len(data) > MAX_FILE_BYTES:
        raise PhotoError(f"photo {position} is larger than {MAX_FILE_BYTES // 2**20} MiB")
    try:
        picture = decode_picture(data, MAX_PIXELS)
        height, width = picture.shape[:2]
        scale = LONGEST_SIDE_PX / max(height, width)
        if scale < 1:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        return encode_jpeg(picture)
    except PictureError as error:
        raise PhotoError(f"photo {position} cannot be used: {error}") from error
