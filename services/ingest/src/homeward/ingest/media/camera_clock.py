"""Watches one camera's clock over all its connections."""

from homeward.ingest.media.clockdrift import ClockAlarm, ClockDrift, ClockLimits
from homeward.ingest.media.timeline import ClockSample
from homeward.ingest.ports import Figures
from homeward.shared.telemetry.logging import get_logger

_log = get_logger()


class CameraClockWatch:
    """Measures a camera's clock from what its clips tell, and says when it is past a limit, once each time.

    Used by the camera's own thread.
    """

    def __init__(self, camera_id: str, figures: Figures | None = None, limits: ClockLimits | None = None) -> None:
        self._camera_id = camera_id
        self._figures = figures
        self._limits = limits or ClockLimits()
        self._drift = ClockDrift()
        self._alarms: frozenset[ClockAlarm] = frozenset()
        self._distrusted = False

    def clip_placed(self, sample: ClockSample | None, at_s: float) -> None:
        """Take note of what a clip told at `at_s`, by a clock that never jumps."""
        if sample is None:
            return
        self._drift.add(at_s, sample.ahead.total_seconds(), told=sample.told)
        reading = self._drift.reading()
        if self._figures is not None:
            self._figures.clock(reading.offset, reading.drift_ppm)
        alarms = self._limits.alarms(reading)
        for alarm in sorted(alarms - self._alarms, key=lambda one: one.value):
            _log.warning("camera's clock is past its limit", camera_id=self._camera_id, alarm=alarm.value)
        self._alarms = alarms
        distrusted = sample.told and not sample.trusted
        if distrusted and not self._distrusted:
            _log.warning("camera's clock does not place its clips", camera_id=self._camera_id)
        self._distrusted = distrusted
