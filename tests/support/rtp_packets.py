"""Access units as RTP packets, as a camera would cut them."""

import struct
from collections.abc import Sequence
from typing import Final

from homeward.ingest.adapters.rtsp.video_track import VideoTrack

SOURCE: Final = 0x00C0FFEE
VIDEO_TYPE: Final = 96
_HEADER: Final = struct.Struct(">BBHII")


def packet(
    number: int,
    stamp: int,
    payload: bytes,
    *,
    marker: bool = False,
    source: int = SOURCE,
    payload_type: int = VIDEO_TYPE,
    first: int = 0x80,
) -> bytes:
    """Return one RTP packet."""
    second = payload_type | (0x80 if marker else 0)
    return _HEADER.pack(first, second, number & 0xFFFF, stamp & 0xFFFFFFFF, source) + payload


def payloads(units: Sequence[bytes], codec: str, *, most: int = 1400, together: bool = False) -> list[bytes]:
    """Return the payloads of one access unit: aggregated where they are small and `together`, in fragments if large."""
    found: list[bytes] = []
    small: list[bytes] = []
    for unit in units:
        if together and len(unit) < most // 4:
            small.append(unit)
            continue
        found += [*_aggregate(small, codec), *([unit] if len(unit) <= most else _fragments(unit, codec, most))]
        small = []
    return found + _aggregate(small, codec)


def packets(frames: Sequence[tuple[int, Sequence[bytes]]], codec: str, first: int = 0) -> list[list[bytes]]:
    """Return the packets of each frame, a time stamp and its NAL units; the very first is numbered `first`."""
    found: list[list[bytes]] = []
    number = first
    for stamp, units in frames:
        parts = payloads(units, codec)
        found.append([packet(number + at, stamp, part, marker=at == len(parts) - 1) for at, part in enumerate(parts)])
        number += len(parts)
    return found


def give(track: VideoTrack, one: bytes) -> None:
    """Let `track` take one packet."""
    track.take(memoryview(one), 0, len(one))


def behind_lengths(units: Sequence[bytes]) -> bytes:
    """Return the units as an access unit holds them."""
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)


def _aggregate(units: Sequence[bytes], codec: str) -> list[bytes]:
    if len(units) < 2:
        return list(units)
    header = b"\x18" if codec == "h264" else b"\x60\x01"
    return [header + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)]


def _fragments(unit: bytes, codec: str, most: int) -> list[bytes]:
    if codec == "h264":
        header, kind, body = bytes([unit[0] & 0xE0 | 28]), unit[0] & 0x1F, unit[1:]
    else:
        header, kind, body = bytes([unit[0] & 0x81 | 49 << 1, unit[1]]), unit[0] >> 1 & 0x3F, unit[2:]
    pieces = [body[at : at + most] for at in range(0, len(body), most)]
    return [
        header + bytes([kind | (0x80 if at == 0 else 0) | (0x40 if at == len(pieces) - 1 else 0)]) + piece
        for at, piece in enumerate(pieces)
    ]
