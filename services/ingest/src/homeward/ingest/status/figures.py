"""What is counted of each camera while it is recorded."""

import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from homeward.ingest.media.clockdrift import Reading
from homeward.ingest.media.stretches import Footage, Stretch

_BITS_A_BYTE: Final = 8
_UNKNOWN_CLOCK: Final = Reading(None, None)


@dataclass(frozen=True, slots=True)
class Connection:
    """What a source told of itself when it was opened; `audio_codec` is None where no sound is recorded."""

    codec: str
    audio_codec: str | None
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted since the camera's figures were begun."""

    bits: int = 0
    frames: int = 0
    packets_lost: int = 0


class CameraFigures:
    """The port `Figures` for one camera.

    Written by the camera's own thread, `announced` by a sender's, read by any. There is no lock: each field has one
    writer at a time, and is replaced whole, so that a packet costs three additions.
    """

    def __init__(self) -> None:
        self._bytes = 0
        self._frames = 0
        self._lost = 0
        self._connected = False
        self._connection: Connection | None = None
        self._clock = _UNKNOWN_CLOCK
        self._last_clip: Stretch | None = None

    def connected(self, codec: str, audio_codec: str | None, width_px: int, height_px: int) -> None:
        """Take note of a new connection."""
        self._connection = Connection(codec, audio_codec, width_px, height_px)
        self._connected = True

    def packet(self, size_bytes: int, *, video: bool, missing: int) -> None:
        """Take note of a packet, and of `missing` transport packets lost before it."""
        self._bytes += size_bytes
        self._frames += video
        self._lost += missing

    def clock(self, offset: timedelta | None, drift_ppm: float | None) -> None:
        """Take note of the camera's clock."""
        self._clock = Reading(offset, drift_ppm)

    def disconnected(self) -> None:
        """Take note that the connection ended; what its camera's clock told ends with it."""
        self._connected = False
        self._clock = _UNKNOWN_CLOCK

    def announced(self, stretch: Stretch) -> None:
        """Take note of a stretch that was announced."""
        if isinstance(stretch.outcome, Footage):
            self._last_clip = stretch

    @property
    def is_connected(self) -> bool:
        """Whether the source is read now."""
        return self._connected

    @property
    def connection(self) -> Connection | None:
        """What the source told of itself when it was last opened; None before."""
        return self._connection

    @property
    def camera_clock(self) -> Reading:
        """What is known of the camera's clock."""
        return self._clock

    @property
    def last_clip(self) -> Stretch | None:
        """The clip that was announced last; None before the first."""
        return self._last_clip

    def counts(self) -> Counts:
        """Return what was counted so far."""
        return Counts(self._bytes * _BITS_A_BYTE, self._frames, self._lost)


class FigureBook:
    """The figures of every camera that this replica records. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._figures: dict[str, CameraFigures] = {}

    def of(self, camera_id: str) -> CameraFigures:
        """Return the camera's figures, begun at 0 when it has none."""
        with self._lock:
            return self._figures.setdefault(camera_id, CameraFigures())

    def find(self, camera_id: str) -> CameraFigures | None:
        """Return the camera's figures; None when it has none."""
        with self._lock:
            return self._figures.get(camera_id)

    def forget(self, camera_id: str) -> None:
        """Let a camera's figures go."""
        with self._lock:
            self._figures.pop(camera_id, None)

    def disconnected(self, camera_id: str) -> None:
        """Take note that a camera's connection ended. That of a camera that left begins no figures."""
        figures = self.find(camera_id)
        if figures is not None:
            figures.disconnected()

    def announced(self, stretch: Stretch) -> None:
        """Take note of a stretch that was announced. What was spooled of a camera that left begins no figures."""
        figures = self.find(stretch.camera_id)
        if figures is not None:
            figures.announced(stretch)
