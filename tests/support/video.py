"""Small videos made on the spot, and their packets' hashes."""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any

import av
import numpy as np

WIDTH_PX = 192
HEIGHT_PX = 108


def make_video(
    path: Path,
    *,
    codec: str = "libx264",
    fps: int = 10,
    seconds: int = 30,
    gop: int = 100,
    b_frames: int = 3,
    created_at: datetime | None = None,
) -> Path:
    """Encode a bar that wanders over a grey field; a key frame each `gop` frames, closed groups."""
    common = f"keyint={gop}:min-keyint={gop}:bframes={b_frames}:b-adapt=0:scenecut=0:open-gop=0"
    options = {
        "libx264": {"preset": "ultrafast", "x264-params": common},
        "libx265": {"preset": "ultrafast", "x265-params": f"{common}:log-level=none"},
    }[codec]
    with av.open(str(path), "w") as container:
        if created_at is not None:
            container.metadata["creation_time"] = created_at.isoformat()
        stream: Any = container.add_stream(codec, rate=fps, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        picture = np.full((HEIGHT_PX, WIDTH_PX, 3), 96, np.uint8)
        for index in range(fps * seconds):
            frame = picture.copy()
            left = index * 3 % WIDTH_PX
            frame[:, left : left + 20] = (index % 200, 255, 128)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode())
    return path


def packet_hashes(path: Path) -> list[str]:
    """Return the SHA-256 of each video packet, in the order of the file."""
    with av.open(str(path)) as container:
        return [hashlib.sha256(bytes(packet)).hexdigest() for packet in container.demux(video=0) if packet.size]


def nal_units(path: Path) -> list[bytes]:
    """Return the NAL units of an H.264 or H.265 stream, whether they stand behind start codes or lengths."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        annex_b = bytes(stream.codec_context.extradata or b"")[:1] == b"\x00"
        split = behind_start_codes if annex_b else behind_lengths
        return [unit for packet in container.demux(stream) if packet.size for unit in split(bytes(packet))]


def behind_lengths(data: bytes) -> list[bytes]:
    units: list[bytes] = []
    while data:
        length = int.from_bytes(data[:4], "big")
        units.append(data[4 : 4 + length])
        data = data[4 + length :]
    return units


def behind_start_codes(data: bytes) -> list[bytes]:
    return [unit.rstrip(b"\x00") for unit in data.split(b"\x00\x00\x01")[1:]]
