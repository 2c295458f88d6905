"""Videos of which every unit is known before they are served: a mark in each picture, and sound beside it."""

import hashlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from support.video import behind_lengths, make_video

SOUND_HZ: Final = 48_000
_MARK: Final = bytes(range(16))
"""The UUID of our marks (H.264 and H.265, annex D, user_data_unregistered), as a camera signs its pictures."""

_SEI_H264: Final = b"\x06"
_SEI_HEVC: Final = bytes([39 << 1, 1])
_USER_DATA: Final = 5


def make_marked(
    path: Path, *, codec: str = "libx264", fps: int = 25, seconds: int = 30, gop: int = 25, b_frames: int = 0,
    sound: bool = False,
) -> Path:  # fmt: skip
    """Encode a video in MP4 whose pictures each bear a number in an SEI message; with `sound`, AAC beside it."""
    plain = make_video(
        path.with_suffix(".plain.mp4"), codec=codec, fps=fps, seconds=seconds, gop=gop, b_frames=b_frames
    )
    with av.open(str(plain)) as source, av.open(str(path), "w") as target:
        video: Any = source.streams.video[0]
        copied: Any = target.add_stream_from_template(video)
        beside: Any = target.add_stream("aac", rate=SOUND_HZ) if sound else None
        tone = _tone(beside, seconds) if sound else iter(())
        ahead: Any = next(tone, None)
        packets: Iterator[Any] = source.demux(video)
        for number, packet in enumerate(packets):
            if not packet.size:
                continue
            marked = av.Packet(_marked(bytes(packet), codec, number))
            marked.pts, marked.dts, marked.duration = packet.pts, packet.dts, packet.duration
            marked.time_base, marked.is_keyframe, marked.stream = packet.time_base, packet.is_keyframe, copied
            # A server's demuxer keeps pace only where sound and pictures stand side by side in the file.
            while ahead is not None and ahead.dts * ahead.time_base <= packet.dts * packet.time_base:
                target.mux(ahead)
                ahead = next(tone, None)
            target.mux(marked)
        while ahead is not None:
            target.mux(ahead)
            ahead = next(tone, None)
    plain.unlink()
    return path


def pictures(path: Path) -> list[str]:
    """Return the SHA-256 of each access unit in the order of the file, without parameter sets and delimiters.

    Those may be repeated or left out on the way; everything else of a picture, its marks included, must be the same.
    """
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        hevc = stream.codec_context.codec.canonical_name == "hevc"
        return [_picture(bytes(packet), hevc=hevc) for packet in container.demux(stream) if packet.size]


def marks(path: Path) -> list[int]:
    """Return the numbers that the pictures bear, in the order of the file."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [
            int(unit.partition(_MARK)[2][:4])
            for packet in container.demux(stream)
            if packet.size
            for unit in behind_lengths(bytes(packet))
            if _MARK in unit
        ]


def sounds(path: Path) -> list[str]:
    """Return the SHA-256 of each packet of sound."""
    with av.open(str(path)) as container:
        return [hashlib.sha256(bytes(packet)).hexdigest() for packet in container.demux(audio=0) if packet.size]


def runs_within(found: list[str], whole: list[str]) -> bool:
    """Whether `found` is one unbroken run of `whole`."""
    return any(whole[at : at + len(found)] == found for at in range(len(whole) - len(found) + 1))


def _marked(packet: bytes, codec: str, number: int) -> bytes:
    # Digits and the UUID hold no 00 00 0x, so nothing needs emulation prevention.
    body = _MARK + f"{number:04d}".encode()
    header = _SEI_H264 if codec == "libx264" else _SEI_HEVC
    unit = header + bytes([_USER_DATA, len(body)]) + body + b"\x80"
    units = behind_lengths(packet)
    first = next(at for at, each in enumerate(units) if _is_slice(each, hevc=codec == "libx265"))
    return b"".join(len(each).to_bytes(4) + each for each in [*units[:first], unit, *units[first:]])


def _picture(packet: bytes, *, hevc: bool) -> str:
    digest = hashlib.sha256()
    for unit in behind_lengths(packet):
        left_out = (unit[0] >> 1) & 0x3F in range(32, 36) if hevc else unit[0] & 0x1F in (7, 8, 9)
        if not left_out:
            digest.update(len(unit).to_bytes(4) + unit)
    return digest.hexdigest()


def _is_slice(unit: bytes, *, hevc: bool) -> bool:
    return (unit[0] >> 1) & 0x3F < 32 if hevc else unit[0] & 0x1F in range(1, 6)


def _tone(stream: Any, seconds: int) -> Iterator[Any]:
    """Yield the packets of a tone that rises, so that no two are alike."""
    stream.layout = "mono"
    size = 1024  # AAC's own frame
    for at in range(0, seconds * SOUND_HZ, size):
        ticks = (np.arange(size) + at) / SOUND_HZ
        wave = (np.sin(2 * np.pi * (300 + 20 * ticks) * ticks) * 0.3).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(wave[np.newaxis, :], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SOUND_HZ, at, Fraction(1, SOUND_HZ)
        yield from stream.encode(frame)
    yield from stream.encode()
