"""A film cut into RTP packets once, so that sending it again and again costs next to nothing."""

import base64
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import av

from support.video import behind_lengths

CLOCK_HZ: Final = 90_000
_PAYLOAD_BYTES: Final = 1400
_PAYLOAD_TYPE: Final = 96
_BEFORE_RTP: Final = 4  # the interleaved header of RFC 2326, section 10.12
_SEQUENCE_AT: Final = _BEFORE_RTP + 2
_HEADER: Final = struct.Struct(">BBHBBHII")


@dataclass(frozen=True, slots=True)
class FilmFrame:
    """One picture as interleaved packets with blank sequence numbers and time stamps; `starts` is where each begins."""

    template: bytes
    starts: tuple[int, ...]
    key: bool

    def stamped(self, sequence: int, stamp: int, ssrc: int) -> bytearray:
        """Return the picture's packets, the first of them numbered `sequence`."""
        data = bytearray(self.template)
        for index, start in enumerate(self.starts):
            struct.pack_into(">HII", data, start + _SEQUENCE_AT, (sequence + index) & 0xFFFF, stamp & 0xFFFFFFFF, ssrc)
        return data


@dataclass(frozen=True, slots=True)
class RtpFilm:
    """The frames of a film at a steady rate, and what tells a viewer how to decode them."""

    frames: tuple[FilmFrame, ...]
    fps: int
    sdp: str

    @property
    def ticks(self) -> int:
        """How long a frame lasts, at 90 kHz."""
        return CLOCK_HZ // self.fps


def cut(video: Path) -> RtpFilm:
    """Return the packets of `video`: H.264 without B-frames at a steady rate, in MP4."""
    with av.open(str(video)) as container:
        stream: Any = container.streams.video[0]
        extradata = bytes(stream.codec_context.extradata or b"")
        fps = int(stream.average_rate)
        sets = _parameter_sets(extradata)
        frames = tuple(
            _frame([*(sets if packet.is_keyframe else ()), *behind_lengths(bytes(packet))], key=packet.is_keyframe)
            for packet in container.demux(stream)
            if packet.size
        )
    sprop = ",".join(base64.b64encode(unit).decode() for unit in sets)
    sdp = (
        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n"
        f"m=video 0 RTP/AVP {_PAYLOAD_TYPE}\r\na=rtpmap:{_PAYLOAD_TYPE} H264/{CLOCK_HZ}\r\na=framerate:{fps}\r\n"
        f"a=fmtp:{_PAYLOAD_TYPE} packetization-mode=1;profile-level-id={sets[0][1:4].hex()};"
        f"sprop-parameter-sets={sprop}\r\na=control:trackID=0\r\n"
    )
    return RtpFilm(frames, fps, sdp)


def _parameter_sets(extradata: bytes) -> tuple[bytes, bytes]:
    """Return the SPS and the PPS of an avcC box (ISO/IEC 14496-15, section 5.3.3.1)."""
    length = int.from_bytes(extradata[6:8])
    rest = extradata[8 + length :]
    return extradata[8 : 8 + length], rest[3 : 3 + int.from_bytes(rest[1:3])]


def _frame(units: list[bytes], *, key: bool) -> FilmFrame:
    payloads = [piece for unit in units for piece in _payloads(unit)]
    data = bytearray()
    starts: list[int] = []
    for index, payload in enumerate(payloads):
        starts.append(len(data))
        marker = 0x80 if index == len(payloads) - 1 else 0
        data += _HEADER.pack(0x24, 0, 12 + len(payload), 0x80, marker | _PAYLOAD_TYPE, 0, 0, 0) + payload
    return FilmFrame(bytes(data), tuple(starts), key)


def _payloads(unit: bytes) -> list[bytes]:
    """Return the RTP payloads of one NAL unit: itself, or its fragments (RFC 6184, section 5.8)."""
    if len(unit) <= _PAYLOAD_BYTES:
        return [unit]
    indicator, kind, body = (unit[0] & 0xE0) | 28, unit[0] & 0x1F, unit[1:]
    pieces = []
    for start in range(0, len(body), _PAYLOAD_BYTES):
        flags = (0x80 if start == 0 else 0) | (0x40 if start + _PAYLOAD_BYTES >= len(body) else 0)
        pieces.append(bytes([indicator, flags | kind]) + body[start : start + _PAYLOAD_BYTES])
    return pieces


def sender_report(wall_s: float, stamp: int, ssrc: int, packets: int, octets: int) -> bytes:
    """Return an interleaved RTCP sender report with the name of its source (RFC 3550, sections 6.4.1 and 6.5).

    `wall_s` is the Unix time at which a picture of the time stamp `stamp` was taken.
    """
    seconds = int(wall_s)
    fraction = int((wall_s - seconds) * (1 << 32)) & 0xFFFFFFFF
    unix_in_ntp = 2_208_988_800
    report = struct.pack(
        ">BBHIIIIII", 0x80, 200, 6, ssrc, seconds + unix_in_ntp, fraction, stamp & 0xFFFFFFFF,
        packets & 0xFFFFFFFF, octets & 0xFFFFFFFF,
    )  # fmt: skip
    name = struct.pack(">BBHI", 0x81, 202, 3, ssrc) + bytes([1, 5]) + b"cam-0\x00"
    body = report + name
    return struct.pack(">BBH", 0x24, 1, len(body)) + body
