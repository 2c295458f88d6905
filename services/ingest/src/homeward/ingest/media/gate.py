"""Which packets of a recording are taken, and when."""

from datetime import datetime, timedelta
from typing import Protocol

from homeward.ingest.cameras.sources import Pacing
from homeward.ingest.media.timeline import RecordingTimeline
from homeward.ingest.ports import StopSignal, StretchSpool
from homeward.shared.clock import Clock


class Gate(Protocol):
    """Asked before each packet; may block until the packet's time has come."""

    def admit(self, media: timedelta, *, key: bool) -> bool:
        """Whether the packet is taken."""
        ...


class OpenGate:
    """Takes every packet at once: a camera's."""

    def admit(self, media: timedelta, *, key: bool) -> bool:  # noqa: ARG002 - the port's
        """Return True."""
        return True


class RecordingGate:
    """Passes over what an earlier run has spooled, keeps the pace, and waits for room in the spool.

    A clip ends on a key frame, so an earlier run ended exactly where a key frame begins: cutting goes on from there as
    if it had never stopped.
    """

    def __init__(
        self,
        timeline: RecordingTimeline,
        *,
        through: datetime | None,
        pacing: Pacing,
        spool: StretchSpool,
        clock: Clock,
        stop: StopSignal,
    ) -> None:
        """`through` is where the last spooled stretch of the recording ends, None when nothing is spooled yet."""
        self._timeline = timeline
        self._through = through
        self._pacing = pacing
        self._spool = spool
        self._clock = clock
        self._stop = stop
        self._began: tuple[timedelta, float] | None = None

    def admit(self, media: timedelta, *, key: bool) -> bool:
        """Whether the packet is taken; False for what is spooled already."""
        at = self._timeline.at(media)
        if self._through is not None:
            if not key or at < self._through:
                return False
            self._through = None
        if key:
            self._spool.wait_for_room(self._stop)
        if self._pacing is Pacing.LIVE:
            self._wait(at, media)
        return True

    def _wait(self, at: datetime, media: timedelta) -> None:
        if self._began is None:
            self._began = (media, self._clock.monotonic())
        first, began_s = self._began
        while not self._stop.is_set():
            ahead_s = (at - self._clock.now()).total_seconds()
            early_s = began_s + (media - first).total_seconds() - self._clock.monotonic()
            wait_s = max(ahead_s, early_s)
            if wait_s <= 0:
                return
            self._stop.wait(wait_s)
