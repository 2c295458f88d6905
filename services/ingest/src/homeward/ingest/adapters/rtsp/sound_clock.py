"""Puts the sound on the video's timeline: RTP gives each track a time of its own, from any origin."""

from datetime import timedelta
from typing import Final

from homeward.ingest.adapters.rtsp.reports import Reports

VIDEO_HZ: Final = 90_000

_MOST_APART_S: Final = 0.04
"""Sound and picture may part by this much before the sound is placed anew: one frame, below what anybody notices."""

_MOST_BELIEVED_S: Final = 10.0
"""Reports that would move the sound by more contradict each other, as while the camera's clock is being set."""


class SoundClock:
    """Turns the sound's RTP time stamps into times on the video's timeline, in the sound's own ticks. For one thread.

    By the camera's reports on both tracks as soon as they came; before, by what it said of where both begin, or else
    by what came together.
    """

    def __init__(self, video: Reports, sound: Reports, sound_hz: int) -> None:
        self._video = video
        self._sound = sound
        self._sound_hz = sound_hz
        self._shift: int | None = None
        self._seen = (0, 0)
        self._last: int | None = None

    def begin(self, video_stamp: int, sound_stamp: int) -> None:
        """Take note that these two time stamps are of the same instant."""
        self._shift = self._on_video(video_stamp) - sound_stamp

    def at(self, stamp: int, beside: int) -> int | None:
        """Return the time of the sound at `stamp`, which came when the video's frame of `beside` did.

        None where it would not be past the sound before it: such sound is to be let go.
        """
        if self._shift is None:
            self.begin(beside, stamp)
        self._follow()
        at = stamp + (self._shift or 0)
        if self._last is not None and at <= self._last:
            return None
        self._last = at
        return at

    def _follow(self) -> None:
        seen = (self._video.count, self._sound.count)
        if seen == self._seen:
            return
        self._seen = seen
        video, sound = self._video.anchor(), self._sound.anchor()
        if video is None or sound is None:
            return
        apart = (sound[0] - video[0]) // timedelta(microseconds=1) * VIDEO_HZ // 1_000_000
        shift = self._on_video(video[1] + apart) - sound[1]
        moved_s = abs(shift - (self._shift or 0)) / self._sound_hz
        if _MOST_APART_S < moved_s < _MOST_BELIEVED_S:
            self._shift = shift

    def _on_video(self, video_stamp: int) -> int:
        return video_stamp * self._sound_hz // VIDEO_HZ
