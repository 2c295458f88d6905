"""Whether a key frame decodes, by FFmpeg."""

from collections.abc import Iterator
from typing import Any, Final

import av
import av.error

_OPTIONS: Final = {
    # What smooths the picture takes a third of the time and proves nothing.
    "skip_loop_filter": "all"
}

_STRICT: Final = {"err_detect": "explode"}
"""The H.265 decoder conceals what is broken without a word, unless it is told to give up at the first error."""

_HEVC_PICTURES: Final = 32
"""NAL unit types below are slices of pictures (ITU-T H.265, table 7-1)."""
_HEVC_PARAMETER_SETS: Final = range(32, 35)

_START_CODE: Final = b"\x00\x00\x01"
_LENGTH_BYTES: Final = 4


def decodes(stream: Any, payload: Any) -> bool:
    """Whether the key frame `payload` of `stream` decodes whole, on one thread, in some milliseconds.

    A decoder is made for each: one that is kept holds some megabytes of pictures for each camera.
    """
    source = stream.codec_context
    name, extradata = str(source.codec.canonical_name), source.extradata
    context: Any = av.CodecContext.create(name, "r")
    if extradata:
        context.extradata = extradata
    context.thread_count = 1
    data = bytes(payload)
    options = dict(_OPTIONS)
    if name == "hevc":
        options |= _STRICT
        data = _pictures(data, lengths=bool(extradata) and extradata[:1] == b"\x01")
    context.options = options
    if name == "mjpeg":
        context.width, context.height = source.width, source.height
    try:
        frames = context.decode(av.Packet(data)) or context.decode(None)
    except (av.error.FFmpegError, ValueError):
        return False
    return bool(frames) and not frames[0].is_corrupt


def _pictures(data: bytes, *, lengths: bool) -> bytes:
    """Return H.265 without what is no picture: a camera's own message that FFmpeg cannot read is no damage."""
    units = _behind_lengths(data) if lengths else _behind_start_codes(data)
    kept = (unit for unit in units if _is_of_picture(unit))
    if lengths:
        return b"".join(len(unit).to_bytes(_LENGTH_BYTES, "big") + unit for unit in kept)
    return b"".join(_START_CODE + unit for unit in kept)


def _is_of_picture(unit: bytes) -> bool:
    kind = unit[0] >> 1 & 0x3F if unit else -1
    return 0 <= kind < _HEVC_PICTURES or kind in _HEVC_PARAMETER_SETS


def _behind_start_codes(data: bytes) -> Iterator[bytes]:
    at = data.find(_START_CODE)
    while at >= 0:
        after = data.find(_START_CODE, at + len(_START_CODE))
        yield data[at + len(_START_CODE) : after if after >= 0 else len(data)]
        at = after


def _behind_lengths(data: bytes) -> Iterator[bytes]:
    at = 0
    while at + _LENGTH_BYTES <= len(data):
        length = int.from_bytes(data[at : at + _LENGTH_BYTES], "big")
        at += _LENGTH_BYTES
        yield data[at : at + length]
        at += length
