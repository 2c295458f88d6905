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

_SCANS_MAX: Final = 64
"""A progressive JPEG has about ten scans, and the decoder goes over the whole picture for each: a small file of
thousands would keep it busy for hours."""
_START_OF_SCAN: Final = b"\xff\xda"

_HEIF_BRANDS: Final = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
_READABLE: Final = "send a JPEG or a PNG"


class PhotoError(Exception):
    """A reference photo that cannot be used; it names the photo by its position and never by its file's name.

    People call such files by the name of who is in them.
    """


def normalise_photo(data: bytes, position: int) -> bytes:
    """Return a photo (JPEG or PNG) as a JPEG of at most 2048 px: turned upright, without EXIF, place or thumbnail.

    What it is, its bytes say: a name or a content type counts for nothing, and what else a file may be at the same
    time is gone, since the pixels are written anew. `position` counts the photos from 1, for the error. Raises
    PhotoError.
    """
    if len(data) > MAX_FILE_BYTES:
        raise PhotoError(f"photo {position} is larger than {MAX_FILE_BYTES // 2**20} MiB")
    foreign = _foreign(data)
    if foreign is not None:
        raise PhotoError(f"photo {position} cannot be used: {foreign}")
    if data.count(_START_OF_SCAN) > _SCANS_MAX and data.startswith(b"\xff\xd8"):
        raise PhotoError(f"photo {position} cannot be used: it is a JPEG of more than {_SCANS_MAX} scans")
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


def _foreign(data: bytes) -> str | None:
    """Return what is wrong with a picture of a kind that people often send, None for any other."""
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    found = None
    if data[4:8] == b"ftyp":
        found = _container(data[8:12])
    elif head.startswith((b"<?xml", b"<svg", b"<!doctype", b"<html")):
        found = "it is a drawing or a page (SVG, HTML) and no photo"
    elif data.startswith((b"GIF8", b"II*\x00", b"MM\x00*", b"BM")) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP"):
        found = "it is a GIF, TIFF, BMP or WebP picture, and cannot be read"
    elif data.startswith(b"%PDF"):
        found = "it is a PDF document"
    return None if found is None else f"{found}; {_READABLE}"


def _container(brand: bytes) -> str:
    if brand in _HEIF_BRANDS:
        return "it is a HEIC picture, as iPhones take them, and cannot be read"
    if brand in {b"avif", b"avis"}:
        return "it is an AVIF picture, and cannot be read"
    return "it is a video and no photo"
