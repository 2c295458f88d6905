import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from homeward.shared.vision.jpeg import PictureError, decode_picture, encode_jpeg

LIMIT = 1_000_000


def picture(height: int = 40, width: int = 60) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows * 4, columns * 4, np.full_like(rows, 90)], axis=2).astype(np.uint8)


def png(image: NDArray[np.uint8]) -> bytes:
    done, data = cv2.imencode(".png", image[:, :, ::-1])
    assert done
    return bytes(data)


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    tiff = b"MM\0*" + struct.pack(">IH", 8, 1) + entry + b"\0\0\0\0"
    body = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def test_a_jpeg_comes_back_nearly_as_it_was() -> None:
    image = picture()
    again = decode_picture(encode_jpeg(image), LIMIT)
    assert np.abs(again.astype(int) - image.astype(int)).mean() < 1.5


def test_colours_keep_their_places() -> None:
    image = np.zeros((32, 32, 3), np.uint8)
    image[:, :, 0] = 250
    red, green, blue = decode_picture(encode_jpeg(image), LIMIT).reshape(-1, 3).mean(axis=0)
    assert red > 240
    assert green < 10
    assert blue < 10


def test_a_png_comes_back_exactly() -> None:
    image = picture()
    assert np.array_equal(decode_picture(png(image), LIMIT), image)


def test_the_orientation_of_a_camera_is_honoured() -> None:
    image = picture(40, 60)
    turned = decode_picture(with_orientation(encode_jpeg(image), 6), LIMIT)  # turn to the right to stand upright
    assert turned.shape == (60, 40, 3)
    assert np.abs(turned.astype(int) - np.rot90(image, -1).astype(int)).mean() < 1.5


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"GIF89a" + bytes(100), b"not a picture at all", bytes(1000)])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(PictureError):
        decode_picture(data, LIMIT)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_a_picture_cut_short_is_refused(kind: str, share: float) -> None:
    data = encode_jpeg(picture()) if kind == "jpeg" else png(picture())
    with pytest.raises(PictureError):
        decode_picture(data[: int(len(data) * share)], LIMIT)


def test_a_thumbnails_end_is_not_taken_for_the_pictures() -> None:
    jpeg = encode_jpeg(picture())
    thumbnail = encode_jpeg(picture(8, 8))
    whole = jpeg[:2] + b"\xff\xe2" + struct.pack(">H", len(thumbnail) + 2) + thumbnail + jpeg[2:]
    assert decode_picture(whole, LIMIT).shape == (40, 60, 3)
    with pytest.raises(PictureError):
        decode_picture(whole[:-40], LIMIT)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def test_a_decompression_bomb_is_refused_before_it_is_decoded() -> None:
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    with pytest.raises(PictureError, match="50000x50000"):
        decode_picture(bomb, LIMIT)


def test_a_jpeg_that_says_it_is_huge_is_refused() -> None:
    jpeg = bytearray(encode_jpeg(picture()))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", 60_000, 60_000)
    with pytest.raises(PictureError, match="60000x60000"):
        decode_picture(bytes(jpeg), LIMIT)


def test_the_limit_itself_is_allowed_and_one_pixel_more_is_not() -> None:
    data = encode_jpeg(picture(40, 60))
    assert decode_picture(data, 2400).shape == (40, 60, 3)
    with pytest.raises(PictureError):
        decode_picture(data, 2399)


@settings(deadline=None)  # a busy machine is no failure
@given(st.binary(max_size=300), st.sampled_from([b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b""]))
def test_no_bytes_do_more_than_be_refused(data: bytes, start: bytes) -> None:
    with pytest.raises(PictureError):
        decode_picture(start + data, 10_000)
