"""Reference photos: what people send, and what attackers do."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from homeward.shared.vision.jpeg import decode_picture, encode_jpeg
from homeward.shared.vision.photo import LONGEST_SIDE_PX, MAX_FILE_BYTES, PhotoError, normalise_photo


def scene(width: int = 60, height: int = 40) -> NDArray[np.uint8]:
    picture = np.zeros((height, width, 3), dtype=np.uint8)
    picture[: height // 2] = (200, 30, 30)
    return picture


JPEG = encode_jpeg(scene())


def png(width: int, height: int, data: bytes | None = None) -> bytes:
    """Return a PNG whose header says `width` and `height`, grey, with `data` as its compressed pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    pixels = zlib.compress(b"\x00" * (height * (width + 1)), 9) if data is None else data
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def with_exif(orientation: int) -> bytes:
    """Return the JPEG with an EXIF segment that says how it is turned, where it was taken, and by whom."""
    entries = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    tiff = b"MM\x00\x2a" + struct.pack(">I", 8) + struct.pack(">H", 1) + entries + struct.pack(">I", 0)
    body = b"Exif\x00\x00" + tiff + b"GPS 25.033N Canon EOS of the Chen family"
    return JPEG[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + JPEG[2:]


def test_exif_is_gone_and_the_picture_upright() -> None:
    kept = normalise_photo(with_exif(6), 1)
    for secret in (b"Exif", b"GPS", b"Canon", b"Chen"):
        assert secret not in kept
    turned = decode_picture(kept, 10_000)
    assert turned.shape[:2] == (60, 40)
    assert turned[30, 35, 0] > 150
    assert turned[30, 5, 0] < 100


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "HEIC"),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00", "HEIC"),
        (b"\x00\x00\x00\x18ftypavif\x00\x00\x00\x00", "AVIF"),
        (b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00", "video"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "SVG"),
        (b'\xef\xbb\xbf\n <?xml version="1.0"?><svg/>', "SVG"),
        (b"<!DOCTYPE html><html></html>", "HTML"),
        (b"GIF89a\x01\x00\x01\x00", "GIF"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "WebP"),
        (b"II*\x00\x08\x00\x00\x00", "TIFF"),
        (b"BM\x00\x00\x00\x00", "BMP"),
        (b"%PDF-1.7\n", "PDF"),
        (b"", "neither"),
        (b"plain text", "neither"),
    ],
)
def test_what_is_no_jpeg_and_no_png_is_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(PhotoError, match=words):
        normalise_photo(data, 1)


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(PhotoError, match="pixels"):
        normalise_photo(png(60_000, 60_000, zlib.compress(b"\x00" * 1000)), 1)
    with pytest.raises(PhotoError, match="larger than"):
        normalise_photo(JPEG + b"\x00" * MAX_FILE_BYTES, 1)


def test_a_header_that_lies_about_the_pixels_is_refused() -> None:
    inflates = zlib.compress(b"\x00" * (64 * 1024 * 1024), 9)
    kept = decode_picture(normalise_photo(png(8, 8, inflates), 1), 100)
    assert kept.shape[:2] == (8, 8)
    with pytest.raises(PhotoError):
        normalise_photo(png(8, 8, b"no compressed data"), 1)


def test_a_jpeg_of_thousands_of_scans_is_refused() -> None:
    done, data = cv2.imencode(".jpg", scene(), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])
    assert done
    progressive = bytes(data)
    assert normalise_photo(progressive, 1)
    at = progressive.rindex(b"\xff\xda")
    last_scan = progressive[at:-2]
    with pytest.raises(PhotoError, match="scans"):
        normalise_photo(progressive[:-2] + last_scan * 1000 + b"\xff\xd9", 1)


@pytest.mark.parametrize(
    "second",
    [b"PK\x03\x04 an archive", b"<script>alert(1)</script>", b"<?php system($_GET[0]); ?>", b"MZ\x90\x00 a program"],
)
def test_nothing_is_left_of_what_a_file_was_beside_a_picture(second: bytes) -> None:
    comment = b"\xff\xfe" + struct.pack(">H", len(second) + 2) + second
    for polyglot in (JPEG + second, JPEG[:2] + comment + JPEG[2:], png(8, 8) + second[:4]):
        assert second not in normalise_photo(polyglot, 1)


def test_a_large_photo_becomes_smaller_and_a_small_one_stays() -> None:
    large = decode_picture(normalise_photo(encode_jpeg(scene(3000, 100)), 1), 10_000_000)
    assert large.shape[1] == LONGEST_SIDE_PX
    assert decode_picture(normalise_photo(png(20, 10), 1), 10_000).shape[:2] == (10, 20)


def test_an_error_names_the_photo_by_its_place() -> None:
    with pytest.raises(PhotoError, match=r"^photo 3 "):
        normalise_photo(b"x", 3)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_bytes_do_more_than_be_refused(data: st.DataObject) -> None:
    base = bytearray(data.draw(st.sampled_from([JPEG, with_exif(3), png(8, 8)])))
    for _ in range(data.draw(st.integers(1, 8))):
        base[data.draw(st.integers(0, len(base) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(base)))
    for broken in (bytes(base), bytes(base[:cut])):
        try:
            kept = normalise_photo(broken, 1)
        except PhotoError:
            continue
        assert decode_picture(kept, 100_000_000).size
