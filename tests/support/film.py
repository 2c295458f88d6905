"""A film as a city's camera sends it: a still scene with noise, somebody who crosses it, a steady bit rate."""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

_CACHE: Final = "HOMEWARD_TEST_CACHE"
_NOISES: Final = 7
"""Grains of noise that take turns; more would only take longer to make."""


@dataclass(frozen=True, slots=True)
class FilmSpec:
    """What a film is; `bit_rate` in bits a second, one key frame each `gop` frames, closed groups, no B-frames."""

    width: int = 1920
    height: int = 1080
    fps: int = 25
    bit_rate: int = 4_000_000
    gop: int = 50
    seconds: int = 20

    @property
    def name(self) -> str:
        """What tells this film from every other."""
        return f"film-{self.width}x{self.height}-{self.fps}-{self.bit_rate}-{self.gop}-{self.seconds}.mp4"


FULL_HD: Final = FilmSpec()
"""What the benchmarks stand on: 1080p at 25 frames and 4 Mbit a second, a key frame each 2 s."""

SMALL: Final = FilmSpec(320, 180, 25, 160_000, 25, 8)
"""What a test of many cameras stands on."""


def cached_film(spec: FilmSpec) -> Path:
    """Return the film, encoded once into the cache of the tests."""
    root = Path(os.environ.get(_CACHE) or Path(__file__).parents[2] / ".cache")
    root.mkdir(parents=True, exist_ok=True)
    path = root / spec.name
    with (root / f"{spec.name}.lock").open("w") as lock:
        # Two test runs may start at once on one machine.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            fresh = path.with_suffix(".new.mp4")
            make_film(fresh, spec)
            fresh.replace(path)
    return path


def make_film(path: Path, spec: FilmSpec) -> None:
    """Encode the film; the same film each time."""
    kilobits = spec.bit_rate // 1000
    options = {
        "preset": "veryfast",
        # One slice a picture, as cameras send; x264 fills up to the rate where the scene alone would not.
        "x264-params": f"keyint={spec.gop}:min-keyint={spec.gop}:bframes=0:scenecut=0:open-gop=0:sliced-threads=0:"
        f"bitrate={kilobits}:vbv-maxrate={kilobits}:vbv-bufsize={kilobits}:nal-hrd=cbr",
    }
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=spec.fps, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = (
            spec.width,
            spec.height,
            "yuv420p",
            spec.bit_rate,
        )
        for picture in _pictures(spec):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "yuv420p")))
        container.mux(stream.encode())


def _pictures(spec: FilmSpec) -> Any:
    random = np.random.default_rng(1)
    height, width = spec.height, spec.width
    rows, columns = np.mgrid[0:height, 0:width]
    scene = (110 + 60 * np.sin(rows / 37) * np.cos(columns / 53) + random.normal(0, 6, (height, width))).astype(
        np.int16
    )
    noises = [random.integers(-3, 4, (height, width), dtype=np.int16) for _ in range(_NOISES)]
    colour = np.full((height // 2, width), 128, np.uint8)
    tall, broad = height // 3, width // 12
    for index in range(spec.fps * spec.seconds):
        light = np.clip(scene + noises[index % _NOISES], 16, 235).astype(np.uint8)
        left = index * width // (spec.fps * 6) % (width - broad)
        light[height // 2 : height // 2 + tall, left : left + broad] = 60 + (index % 50)
        yield np.concatenate([light, colour])
