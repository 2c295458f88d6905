"""How a camera's clock differs from the recorder's, and how fast it gains."""

from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from statistics import median
from typing import Final

POINT_S: Final = 10.0
"""One point is kept for this much time: the least delayed packet of it, which queues on the way touch least."""

WINDOW_S: Final = 3600.0
"""Over an hour a drift of 1 ppm is 3.6 ms: more than what is left of the network's delay."""

_POINTS: Final = int(WINDOW_S / POINT_S)

_SHORTEST_S: Final = 120.0
"""Over less time the network's delay is more than the drift: 2 ms in 2 min are 17 ppm."""

STEP_S: Final = 0.1
"""A difference of two neighbours past this is no drift, which is 2 ms in 10 s at the very worst, but a clock that was
set or a network that was choked; the next point tells which."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The camera's clock less the recorder's, and its gain in microseconds a second; None where it is not known."""

    offset: timedelta | None
    drift_ppm: float | None


class ClockAlarm(Enum):
    """What is wrong with a camera's clock; the names are those of the contract's CameraAlarm, after CLOCK_."""

    OFFSET = "offset"
    DRIFT = "drift"


@dataclass(frozen=True, slots=True)
class ClockLimits:
    """How wrong a camera's clock may be, in either direction."""

    offset: timedelta = timedelta(seconds=1)
    drift_ppm: float = 200.0
    """Twice what the worst quartz of a camera does, between -20 and 60 °C."""

    def alarms(self, reading: Reading) -> frozenset[ClockAlarm]:
        """Return what of `reading` is past its limit."""
        found: set[ClockAlarm] = set()
        if reading.offset is not None and abs(reading.offset) > self.offset:
            found.add(ClockAlarm.OFFSET)
        if reading.drift_ppm is not None and abs(reading.drift_ppm) > self.drift_ppm:
            found.add(ClockAlarm.DRIFT)
        return frozenset(found)


class ClockDrift:
    """Follows one camera's clock over the last hour, in bounded memory. Used by the camera's own thread.

    The drift is the median slope of pairs half the window apart (Theil's incomplete method): up to a quarter of the
    points may be wrong by any amount, and it costs one sort. A clock that is set begins the measurement anew.
    """

    def __init__(self) -> None:
        self._points: deque[tuple[float, float]] = deque(maxlen=_POINTS)
        self._suspect: tuple[float, float] | None = None
        self._filling: tuple[float, float, float] | None = None
        self._told = False

    def add(self, at_s: float, ahead_s: float, *, told: bool) -> None:
        """Take note that at `at_s`, by a clock that never jumps, the camera's was `ahead_s` ahead of the recorder's.

        `told` says that the camera told its time; without, `ahead_s` counts from an unknown origin and gives a drift
        alone.
        """
        if told != self._told:
            self._told = told
            self._restart()
        filling = self._filling
        if filling is None:
            self._filling = (at_s, at_s, ahead_s)
        elif at_s - filling[0] < POINT_S:
            # A packet is late or in time, never early: the most ahead is the least delayed.
            if ahead_s > filling[2]:
                self._filling = (filling[0], at_s, ahead_s)
        else:
            self._keep(filling[1], filling[2])
            self._filling = (at_s, at_s, ahead_s)

    def reading(self) -> Reading:
        """Return what is known now."""
        offset = None
        if self._told:
            if self._points:
                offset = timedelta(seconds=self._points[-1][1])
            elif self._filling is not None:
                offset = timedelta(seconds=self._filling[2])
        return Reading(offset, self._drift_ppm())

    def _drift_ppm(self) -> float | None:
        points = list(self._points)
        if len(points) < 2 or points[-1][0] - points[0][0] < _SHORTEST_S:  # noqa: PLR2004 - a slope needs two
            return None
        half = (len(points) + 1) // 2
        pairs = zip(points, points[half:], strict=False)
        return median((after - before) / (late - early) for (early, before), (late, after) in pairs) * 1e6

    def _keep(self, at_s: float, ahead_s: float) -> None:
        while self._points and at_s - self._points[0][0] > WINDOW_S:
            self._points.popleft()
        suspect, self._suspect = self._suspect, None
        if not self._points or abs(ahead_s - self._points[-1][1]) <= STEP_S:
            self._points.append((at_s, ahead_s))
        elif suspect is not None and abs(ahead_s - suspect[1]) <= STEP_S:
            # Twice the same: the clock was set, and what was before tells nothing of it.
            self._points.clear()
            self._points.extend((suspect, (at_s, ahead_s)))
        else:
            self._suspect = (at_s, ahead_s)

    def _restart(self) -> None:
        self._points.clear()
        self._suspect = self._filling = None
