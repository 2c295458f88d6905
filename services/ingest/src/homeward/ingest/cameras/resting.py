"""What is remembered and told of cameras that are not recorded, because nobody wants them to be."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from homeward.ingest.cameras.schedule import Schedule
from homeward.ingest.media.coverage import Cause
from homeward.ingest.media.stretches import Claim, Stretch
from homeward.ingest.ports import CameraState, StretchSpool
from homeward.ingest.sharing.membership import Tenure
from homeward.shared.clock import Clock
from homeward.shared.telemetry.logging import get_logger

_AGAIN_S: Final = 5.0
"""How long a disk that refused a note is left alone."""

_log = get_logger()


class Resting:
    """Notes why cameras rest. Their time is told as a gap when they are recorded again, or rest for another reason.

    Used by the thread that starts and stops recorders, for cameras that have none. What the disk does not take is noted
    by a later call; until then the camera's time counts as that of a recorder that is down.
    """

    def __init__(self, spool: StretchSpool, clock: Clock) -> None:
        self._spool = spool
        self._clock = clock
        self._noted: dict[str, tuple[Cause, Schedule | None, Tenure]] = {}
        self._again_s = 0.0
        self._refused = False

    def rest(self, camera_id: str, cause: Cause, schedule: Schedule | None, tenure: Tenure) -> None:
        """Note that a camera rests. Called again and again; costs nothing while nothing changes."""
        before = self._noted.get(camera_id)
        noted = (cause, schedule, tenure)
        if noted == before or not self._may_try():
            return
        told_anew = before is not None and before[1] != schedule
        try:
            self._note(camera_id, cause, tenure, told_anew=told_anew)
        except OSError as error:
            self._fail(camera_id, error)
        else:
            self._noted[camera_id] = noted
            self._refused = False

    def rises(self, camera_id: str) -> None:
        """Note that a camera rests no more."""
        self._noted.pop(camera_id, None)

    def forget(self, camera_id: str, tenure: Tenure) -> bool:
        """Note that a camera was removed; return whether the disk took it.

        Nothing more is told of it, and should it come back, it is a new one.
        """
        self._noted.pop(camera_id, None)
        state = self._spool.state(camera_id)
        nothing = CameraState(epoch=tenure.epoch)
        if replace(state, epoch=tenure.epoch) == nothing and tenure.trusts(state):
            return True
        if not self._may_try():
            return False
        try:
            self._spool.remember(camera_id, nothing)
        except OSError as error:
            self._fail(camera_id, error)
            return False
        self._refused = False
        return True

    def _note(self, camera_id: str, cause: Cause, tenure: Tenure, *, told_anew: bool) -> None:
        state = self._spool.state(camera_id)
        if state.recording is not None or (state == CameraState() and tenure.trusts(state)):
            # What was recorded earlier has no present; a camera that was never recorded has no past.
            return
        if state.stopped is not None and (state.stopped is not cause or told_anew):
            state = self._tell(camera_id, state, state.stopped, tenure)
        if state.stopped is not cause:
            self._spool.remember(camera_id, replace(state, stopped=cause))

    def _may_try(self) -> bool:
        return not self._refused or self._clock.monotonic() >= self._again_s

    def _fail(self, camera_id: str, error: OSError) -> None:
        if not self._refused:
            _log.error("that a camera rests cannot be noted", camera_id=camera_id, error=error)
        self._refused = True
        self._again_s = self._clock.monotonic() + _AGAIN_S

    def _tell(self, camera_id: str, state: CameraState, cause: Cause, tenure: Tenure) -> CameraState:
        now = self._clock.now()
        if state.through is None or state.through >= now or not tenure.trusts(state):
            return state
        stretch = Stretch(camera_id, state.through, now, cause, _claim(tenure, now))
        told = replace(state, through=now, epoch=tenure.epoch)
        self._spool.add(stretch, None, told, replayable=False)
        return told


def _claim(tenure: Tenure, until: datetime) -> Claim:
    return Claim(tenure.partition, tenure.epoch, until)
