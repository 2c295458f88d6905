"""Streams that tell a muxer the form of what RTP brings, read by FFmpeg out of small files in memory."""

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import av
import av.error

from homeward.ingest.adapters.rtsp.errors import ProtocolError

_START: Final = b"\x00\x00\x00\x01"
_RAW: Final = {"h264": "h264", "hevc": "hevc"}
_DELIMITER: Final = {"h264": b"\x09\xf0", "hevc": b"\x46\x01\x50"}
_BASELINE: Final = 66
_TELLING_BYTES: Final = 256
"""How much of a NAL unit of a picture is read: more than its header."""

_SILENT_AAC: Final = bytes.fromhex("00c800802380")
"""A frame of one channel that holds silence: FFmpeg believes an AudioSpecificConfig once a frame has been decoded by
it, and takes the numbers of FLV's own header before."""

_FAILURES: Final = (av.error.FFmpegError, OSError, ValueError, IndexError)


@dataclass(frozen=True, slots=True)
class VideoTemplate:
    """The form of the video: `stream` is a stream of an open MP4 whose packets have lengths, as ours have.

    `depth` is how many frames a frame may overtake, `certain` whether no other frame can overtake more.
    """

    stream: Any
    width_px: int
    height_px: int
    depth: int
    certain: bool


def video_template(codec: str, sets: Sequence[bytes], unit: bytes) -> VideoTemplate:
    """Return the form of what `sets` (parameter sets) and `unit` (an access unit with lengths) describe.

    `codec` is h264 or hevc. Raises ProtocolError where they describe nothing.
    """
    # The beginning of a picture tells as much as all of it, which FFmpeg would decode for nothing.
    pictures = [one[:_TELLING_BYTES] for one in _behind_lengths(unit) if one not in sets]
    raw = b"".join(_START + one for one in (*sets, *pictures))
    try:
        with av.open(io.BytesIO(raw), format=_RAW[codec]) as container:
            stream: Any = container.streams.video[0]
            context = stream.codec_context
            width, height, depth = int(context.width), int(context.height), int(context.reorder_depth)
            if not width or not height or not context.extradata:
                raise ProtocolError("it does not tell the form of its pictures")
            template = _reopened(stream, _DELIMITER[codec])
    except _FAILURES:
        raise ProtocolError("it does not tell the form of its pictures") from None
    certain = codec == "hevc" or any(len(one) > 1 and one[0] & 0x1F == 7 and one[1] == _BASELINE for one in sets)  # noqa: PLR2004 - a sequence parameter set
    return VideoTemplate(template, width, height, depth, certain and depth == 0)


def _reopened(stream: Any, delimiter: bytes) -> Any:
    """Return `stream` as MP4 describes it: parameter sets in a record, NAL units behind lengths.

    FFmpeg writes that record itself. Given packets with start codes, its muxer would search each anew for them.
    """
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as writer:
        written = writer.add_stream_from_template(stream)
        packet = av.Packet(_START + delimiter)
        packet.stream = written
        packet.pts = packet.dts = 0
        packet.is_keyframe = True
        writer.mux(packet)
    file.seek(0)
    return av.open(file, format="mp4").streams.video[0]


def _behind_lengths(unit: bytes) -> list[bytes]:
    units: list[bytes] = []
    at = 0
    while at + 4 <= len(unit):
        size = int.from_bytes(unit[at : at + 4], "big")
        units.append(bytes(unit[at + 4 : at + 4 + size]))
        at += 4 + size
    return units


def aac_template(config: bytes) -> Any:
    """Return AAC's form, out of its AudioSpecificConfig. Raises ProtocolError."""
    return _audio(_flv(b"\xaf\x00" + config, b"\xaf\x01" + _SILENT_AAC), "flv")


def opus_template(channels: int) -> Any:
    """Return Opus' form: 48 kHz, 1 or 2 channels. Raises ProtocolError."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, channels, 0, 48_000, 0, 0)
    return _audio(_flv(b"\x90Opus" + head, b"\x91Opus\xfc\xff\xfe"), "flv")


def g711_template(wave_format: int, channels: int, rate_hz: int) -> Any:
    """Return G.711's form; `wave_format` is 6 for A-law, 7 for mu-law. Raises ProtocolError."""
    form = struct.pack("<HHIIHH", wave_format, channels, rate_hz, rate_hz * channels, channels, 8)
    data = b"\xd5" * (rate_hz * channels // 100)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    return _audio(b"RIFF" + struct.pack("<I", len(body)) + body, "wav")


def _flv(*tags: bytes) -> bytes:
    """Return an FLV file of sound, the smallest that takes these codecs with their own records."""
    parts = [b"FLV\x01\x04\x00\x00\x00\x09\x00\x00\x00\x00"]
    for tag in tags:
        parts += [b"\x08", len(tag).to_bytes(3, "big"), bytes(7), tag, (len(tag) + 11).to_bytes(4, "big")]
    return b"".join(parts)


def _audio(file: bytes, form: str) -> Any:
    try:
        stream: Any = av.open(io.BytesIO(file), format=form).streams.audio[0]
        if stream.codec_context is None or not stream.codec_context.sample_rate:
            raise ProtocolError("it does not tell the form of its sound")
    except _FAILURES:
        raise ProtocolError("it does not tell the form of its sound") from None
    return stream
