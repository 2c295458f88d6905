"""Which frames of a clip are looked at."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

GLIMPSE_S: Final = 1 / 15
"""Time between the frames in which the faces that were found are followed; a walker moves 0.6 widths of a face."""


CALM_BYTES: Final = 96
"""Size up to which a frame between key frames shows no walker.

The largest frame of a second takes 40 to 95 bytes where nothing moves and no noise is encoded, and 100 and more where
a head of 24 px glides past at an even pace, the easiest movement for an encoder (x264 at its least rates, 640x360 to
1080p, 10 and 25 frames a second; somebody who walks, 140 and more). Who merely turns a head of that width may stay
below it, so it spares one key frame and never two in a row. Where noise is encoded as well, frames are larger, and
nothing is concluded.
"""

_LEAST_BETWEEN: Final = 4
"""Frames between two key frames from which on they tell of the time between; of a few, too much falls on neither."""

LONGEST_CALM_S: Final = 2.0
"""Time after which a key frame is decoded whatever the frames before it say."""

_MISSED_LOOKS: Final = 2.2
"""A face may be missed in one key frame, and the next may come a little late."""


@dataclass(frozen=True, slots=True)
class SamplingPlan:
    """`key_frames_only` when the clip's key frames are dense enough to decode nothing else.

    Faces are looked for every `interval_s`, and followed every `glimpse_s` where frames between are decoded. A face
    not found for `longest_gap_s` is not followed any further. `key_frame_interval_s` is the longest time between key
    frames, and `windows` are the times, in seconds of the clip, in which all frames are decoded for all that.
    """

    key_frames_only: bool
    interval_s: float
    glimpse_s: float = GLIMPSE_S
    longest_gap_s: float = 0.0
    key_frame_interval_s: float = 0.0
    windows: tuple[tuple[float, float], ...] = ()

    @classmethod
    def of(cls, *, key_frame_interval: timedelta, interval_s: float, dense: timedelta) -> "SamplingPlan":
        """Return the plan for a clip whose longest time without a key frame is `key_frame_interval`.

        An interval of 0 is unknown, and then everything is decoded.
        """
        if not timedelta(0) < key_frame_interval <= dense:
            return cls(key_frames_only=False, interval_s=interval_s)
        between_s = key_frame_interval.total_seconds()
        longest_gap_s = _MISSED_LOOKS * max(interval_s, between_s)
        return cls(
            key_frames_only=True, interval_s=interval_s, longest_gap_s=longest_gap_s, key_frame_interval_s=between_s
        )

    def looking_closer(self, windows: Iterable[tuple[float, float]]) -> "SamplingPlan":
        """Return the plan that decodes all frames of `windows` as well."""
        return replace(self, windows=tuple(windows))

    def decodes_after(self, key_s: float) -> bool:
        """Say whether the frames that follow the key frame at `key_s` are decoded, up to the next key frame."""
        if not self.key_frames_only:
            return True
        return any(begins - self.key_frame_interval_s < key_s <= ends for begins, ends in self.windows)


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


class CalmWatch:
    """Tells from the sizes of packets alone which key frames need not be decoded."""

    def __init__(self) -> None:
        self._largest_bytes = 0
        self._between = 0
        self._looked_s: float | None = None

    def between(self, size_bytes: int) -> None:
        """Take a frame between key frames."""
        self._largest_bytes = max(self._largest_bytes, size_bytes)
        self._between += 1

    def passes_over(self, at_s: float) -> bool:
        """Say whether the key frame at `at_s` shows what the last decoded one did; called in order of time."""
        calm = self._between >= _LEAST_BETWEEN and self._largest_bytes <= CALM_BYTES
        self._largest_bytes = self._between = 0
        if calm and self._looked_s is not None and at_s - self._looked_s < LONGEST_CALM_S:
            return True
        self._looked_s = at_s
        return False
