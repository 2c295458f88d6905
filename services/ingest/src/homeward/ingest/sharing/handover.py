"""Finds out what other replicas left untold of a camera, before this one took it."""

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from homeward.ingest.sharing.claimed_spool import StillUnknownError, Untold
from homeward.shared.clock import Clock
from homeward.shared.telemetry.logging import get_logger

LATE: Final = timedelta(seconds=3)
"""How long after a camera passed to this replica the log is read: a replica that left in order has sent the camera's
last clip by then. One that comes later is no harm: footage fills a gap that was told."""

_AGAIN_S: Final = 2.0
_TURN_S: Final = 0.5
_KEPT: Final = 10_000
"""Answers kept for those who ask again; a replica records some thousands of cameras."""

_log = get_logger()


class ToldLogError(Exception):
    """The log could not be read now."""


class ToldLog(Protocol):
    """What was told of cameras, as it stands in the log. May block for seconds."""

    def untold_before(self, cameras: Mapping[str, datetime]) -> Mapping[str, Sequence[Untold]]:
        """Return what of each camera's time before the given instant was not told; a camera never told is left out.

        Raises ToldLogError when the log cannot be read now.
        """
        ...


class Handover:
    """A part that reads the log for cameras that came to this replica, many at once, on a thread of its own."""

    name = "handover"

    def __init__(self, log: ToldLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._lock = threading.Condition()
        self._asked: dict[str, datetime] = {}
        self._known: dict[tuple[str, datetime], Sequence[Untold]] = {}

    def ready(self) -> bool:
        """Whether the part works: always, since nothing waits for it."""
        return True

    def untold_before(self, camera_id: str, before: datetime) -> Sequence[Untold]:
        """Return what of the camera's time before `before` nobody told; nothing where it was never told of.

        Raises StillUnknownError until that is found out.
        """
        with self._lock:
            if (camera_id, before) in self._known:
                return self._known[camera_id, before]
            self._asked[camera_id] = before
            self._lock.notify_all()
        raise StillUnknownError

    def run(self, stop: threading.Event) -> None:
        """Read until `stop`."""
        while not stop.is_set():
            if not self.turn():
                stop.wait(_AGAIN_S)
            with self._lock:
                self._lock.wait(_TURN_S)

    def turn(self) -> bool:
        """Find out what was asked long enough ago; return False when the log cannot be read now."""
        due_before = self._clock.now() - LATE
        with self._lock:
            due = {camera_id: before for camera_id, before in self._asked.items() if before <= due_before}
        if not due:
            return True
        try:
            untold = self._log.untold_before(due)
        except ToldLogError as error:
            _log.warning("what was told before is not known yet", cameras=len(due), error=error)
            return False
        with self._lock:
            for camera_id, before in due.items():
                self._known[camera_id, before] = untold.get(camera_id, ())
                if self._asked.get(camera_id) == before:
                    del self._asked[camera_id]
            while len(self._known) > _KEPT:
                del self._known[next(iter(self._known))]
        _log.info("cameras came from other recorders", cameras=len(due), found=len(untold))
        return True
