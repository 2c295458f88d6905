"""The reports that go both ways beside one track: the camera's clock to us, what we received to the camera."""

from datetime import datetime, timedelta
from typing import Final, Protocol

from homeward.ingest.adapters.rtsp import rtcp
from homeward.ingest.adapters.rtsp.errors import EndedError
from homeward.ingest.adapters.rtsp.rtp import Sequence
from homeward.ingest.adapters.rtsp.timestamps import Unwrapper
from homeward.shared.clock import Clock

_MICROSECONDS: Final = 1_000_000


class ReportedTrack(Protocol):
    """A track as the reports see it."""

    sequence: Sequence
    times: Unwrapper
    source: int | None


class Reports:
    """Follows the RTCP of one track. For one thread."""

    def __init__(self, track: ReportedTrack, clock_hz: int, ours: int, clock: Clock) -> None:
        """`ours` is our own source, which names us in reports."""
        self._track = track
        self._clock_hz = clock_hz
        self._ours = ours
        self._clock = clock
        self._last: rtcp.SenderReport | None = None
        self._came_s = 0.0
        self._told = (0, 0)
        self.count = 0

    def take(self, packet: memoryview, start: int, end: int) -> None:
        """Take the RTCP packet at `start` to `end`. Raises EndedError where the camera says farewell."""
        for found in rtcp.read(bytes(packet[start:end])):
            if isinstance(found, rtcp.SenderReport):
                self._last = found
                self._came_s = self._clock.monotonic()
                self.count += 1
            elif self._track.source in (None, found.source):
                raise EndedError("it ended the stream")

    def anchor(self) -> tuple[datetime, int] | None:
        """Return an instant by the camera's clock, and the track's time stamp of it, with its turns."""
        if self._last is None or self._last.taken_at is None:
            return None
        return self._last.taken_at, self._track.times.near(self._last.stamp)

    def sent_at(self, stamp: int) -> datetime | None:
        """Return when, by the camera's clock, that was taken which bears the time stamp `stamp`."""
        anchor = self.anchor()
        if anchor is None:
            return None
        try:
            return anchor[0] + timedelta(microseconds=(stamp - anchor[1]) * _MICROSECONDS // self._clock_hz)
        except OverflowError:
            return None

    def ours(self) -> bytes | None:
        """Return our report on the track; None before anything came."""
        sequence = self._track.sequence
        if self._track.source is None or not sequence.received:
            return None
        lost, received = sequence.lost - self._told[0], sequence.received - self._told[1]
        self._told = (sequence.lost, sequence.received)
        fraction = min(255, 256 * lost // (lost + received)) if lost > 0 else 0
        heard = self._last is not None
        return rtcp.report(
            self._ours,
            rtcp.Reception(
                self._track.source,
                fraction,
                sequence.lost,
                sequence.highest,
                self._last.middle if self._last is not None else 0,
                self._clock.monotonic() - self._came_s if heard else 0.0,
            ),
        )
