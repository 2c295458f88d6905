"""Frames into an H.264 file like a recorder's: a key frame each second, no frame that refers to a later one."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

_ENCODERS: Final = ("libx264", "libopenh264", "h264")


class EncodingError(Exception):
    """The video could not be encoded."""


def write_h264(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    *,
    width_px: int,
    height_px: int,
    frames_per_s: int,
    kbit_per_s: int,
) -> None:
    """Encode `frames` (I420: uint8, 1.5 x height rows of width) to an MP4 at `path`, which appears when complete.

    One thread, so that the same frames give the same bytes. Blocks; raises EncodingError.
    """
    unfinished = path.with_name(path.name + ".part")
    try:
        with av.open(str(unfinished), "w", format="mp4") as container:
            stream = container.add_stream(_encoder(), rate=frames_per_s)
            if not isinstance(stream, av.VideoStream):
                raise EncodingError("the H.264 encoder of this build of PyAV makes no video")
            stream.width, stream.height, stream.pix_fmt = width_px, height_px, "yuv420p"
            stream.bit_rate = kbit_per_s * 1000
            stream.gop_size = frames_per_s
            stream.max_b_frames = 0
            stream.thread_count = 1
            stream.options = {"preset": "ultrafast", "sc_threshold": "0", "keyint_min": str(frames_per_s)}
            stream.time_base = Fraction(1, frames_per_s)
            for index, planes in enumerate(frames):
                frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
                frame.pts, frame.time_base = index, Fraction(1, frames_per_s)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    except av.error.FFmpegError as error:
        unfinished.unlink(missing_ok=True)
        raise EncodingError(f"the video {path.name} could not be encoded: {error}") from error
    unfinished.replace(path)


def _encoder() -> str:
    for name in _ENCODERS:
        try:
            av.codec.Codec(name, "w")
        except ValueError:
            continue
        return name
    raise EncodingError("this build of PyAV holds no H.264 encoder; install the one that requirements.lock names")
