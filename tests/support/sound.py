"""Small videos with sound, made on the spot."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from support.video import HEIGHT_PX, WIDTH_PX


def make_film(
    path: Path, *, video: str = "libx264", audio: str = "aac", fps: int = 10, seconds: int = 12, b_frames: int = 0
) -> Path:
    """Encode a wandering bar with a tone; a key frame each second, closed groups."""
    rate_hz = 48_000 if audio == "libopus" else 8_000 if audio.startswith("pcm") else 16_000
    common = f"keyint={fps}:min-keyint={fps}:bframes={b_frames}:b-adapt=0:scenecut=0:open-gop=0"
    options = {
        "libx264": {"preset": "ultrafast", "x264-params": common},
        "libx265": {"preset": "ultrafast", "x265-params": f"{common}:log-level=none"},
        "mjpeg": {},
    }[video]
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(video, rate=fps, options=options)
        stream.width, stream.height = WIDTH_PX, HEIGHT_PX
        stream.pix_fmt = "yuvj420p" if video == "mjpeg" else "yuv420p"
        sound: Any = container.add_stream(audio, rate=rate_hz)
        sound.layout = "mono"
        resampler = av.AudioResampler(
            format=sound.format, layout="mono", rate=rate_hz, frame_size=sound.codec_context.frame_size or rate_hz // 50
        )
        for index in range(fps * seconds):
            picture = np.full((HEIGHT_PX, WIDTH_PX, 3), 96, np.uint8)
            left = index * 3 % WIDTH_PX
            picture[:, left : left + 20] = (index % 200, 255, 128)
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, fps)
            container.mux(stream.encode(frame))
            for heard in resampler.resample(_tone(index * rate_hz // fps, rate_hz // fps, rate_hz)):
                container.mux(sound.encode(heard))
        container.mux(stream.encode())
        container.mux(sound.encode())
    return path


def _tone(first: int, samples: int, rate_hz: int) -> Any:
    wave = (np.sin(np.arange(first, first + samples) / 20) * 8000).astype(np.int16)
    frame: Any = av.AudioFrame.from_ndarray(wave.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = rate_hz, first, Fraction(1, rate_hz)
    return frame
