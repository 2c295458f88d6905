"""Which frames of a clip are looked at."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

GLIMPSE_S: Final = 1 / 15
"""Time between the frames in which the faces that were found are followed; a walker moves 0.6 widths of a face."""


@dataclass(frozen=True, slots=True)
class SamplingPlan:
    """`key_frames_only` when the clip's key frames are dense enough to decode nothing else.

    Faces are looked for every `interval_s`, and followed every `glimpse_s` where frames between are decoded.
    """

    key_frames_only: bool
    interval_s: float
    glimpse_s: float = GLIMPSE_S

    @classmethod
    def of(cls, *, key_frame_interval: timedelta, interval_s: float, dense: timedelta) -> "SamplingPlan":
        """Return the plan for a clip whose longest time without a key frame is `key_frame_interval`.

        An interval of 0 is unknown, and then everything is decoded.
        """
        return cls(timedelta(0) < key_frame_interval <= dense, interval_s)


class Sampler:
    """Picks frames by time, so that a varying frame rate gives samples that are as even as it allows."""

    def __init__(self, interval_s: float) -> None:
        """`interval_s` is the wanted time between samples."""
        self._interval_s = interval_s
        self._due_s = 0.0

    def take(self, at_s: float) -> bool:
        """Say whether the frame at `at_s` seconds of the clip is due; called in order of time.

        Half a millisecond is forgiven, since time stamps are rounded to the clock of the stream.
        """
        if at_s < self._due_s - 0.0005:
            return False
        # On the grid, not from this frame on: late frames would otherwise lower the rate for good.
        missed = int((at_s + 0.0005 - self._due_s) / self._interval_s)
        self._due_s += (missed + 1) * self._interval_s
        return True
