"""The spool as one recorder sees it under one tenure."""

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

from homeward.ingest.media.coverage import Cause
from homeward.ingest.media.packets import MICROSECOND
from homeward.ingest.media.stretches import Claim, Stretch
from homeward.ingest.ports import CameraState, Owed, Sealed, StopSignal, StretchSpool
from homeward.ingest.sharing.membership import Tenure
from homeward.shared.clock import Clock

_EARLIEST: Final = 9973
"""Microseconds by which the gaps of different tenures begin apart at the most: a prime, since epochs may be even."""

Untold = tuple[datetime, datetime]
"""Time of a camera that nobody told: from, to."""


class StillUnknownError(Exception):
    """It has not been found out yet; ask again."""


class Predecessors(Protocol):
    """Knows what others told of a camera. Safe to use from several threads."""

    def untold_before(self, camera_id: str, before: datetime) -> Sequence[Untold]:
        """Return what of the camera's time before `before` nobody told, in order. Returns at once.

        Nothing where the camera was never told of: its time begins with who asks.

        Raises StillUnknownError until that is found out; asking sets out to.
        """
        ...


class NoPredecessors:
    """The predecessors of a recorder that is alone: none."""

    def untold_before(self, camera_id: str, before: datetime) -> Sequence[Untold]:  # noqa: ARG002 - the port's
        """Return nothing."""
        return ()


class ClaimedSpool:
    """The port `StretchSpool` for one recorder: what it adds carries the claim of its tenure.

    What an earlier tenure remembered of the camera is not shown when another replica has told of it since. Used by the
    camera's own thread.
    """

    def __init__(self, spool: StretchSpool, tenure: Tenure, clock: Clock, predecessors: Predecessors) -> None:
        self._spool = spool
        self._tenure = tenure
        self._clock = clock
        self._predecessors = predecessors
        self._owed: dict[str, Owed] = {}
        self._untold: dict[str, deque[Untold]] = {}
        """What of `owed` is known and not spooled yet."""

    def begin_live(self, camera_id: str) -> tuple[CameraState, bool]:
        """Return what is remembered of a camera that is to be recorded from now on, and whether it came from others.

        Where it did, its time begins now, and what they left untold is owed.
        """
        state = self._spool.state(camera_id)
        if self._tenure.trusts(state):
            if state.owed is not None:
                self._owe(camera_id, state.owed)
            return state, False
        begins_at = max(self._clock.now(), self._tenure.since)
        self._owe(camera_id, Owed(begins_at, state.stopped or Cause.RECORDER_DOWN))
        return CameraState(through=begins_at, epoch=self._tenure.epoch), True

    def _owe(self, camera_id: str, owed: Owed) -> None:
        self._owed[camera_id] = owed
        self._untold.pop(camera_id, None)
        # The log is read meanwhile, so that the answer is there when the first stretch is.
        with suppress(StillUnknownError):
            self._predecessors.untold_before(camera_id, owed.before)

    def cameras(self) -> list[str]:
        """Return the ids of the cameras of which anything is remembered."""
        return self._spool.cameras()

    def state(self, camera_id: str) -> CameraState:
        """Return what is remembered of the camera, as far as it still holds."""
        state = self._spool.state(camera_id)
        return state if self._tenure.trusts(state) else CameraState()

    def remember(self, camera_id: str, state: CameraState) -> None:
        """Replace what is remembered of the camera."""
        self._spool.remember(camera_id, replace(state, epoch=self._tenure.epoch))

    def draft(self, camera_id: str) -> Path:
        """Return a path for a clip being written."""
        return self._spool.draft(camera_id)

    def discard(self, draft: Path) -> None:
        """Delete a draft."""
        self._spool.discard(draft)

    def seal(self, draft: Path) -> Sealed:
        """Make a draft durable and return its size and hash."""
        return self._spool.seal(draft)

    def add(self, stretch: Stretch, draft: Path | None, state: CameraState, *, replayable: bool) -> None:
        """Keep a stretch with its claim; before it, what is owed as far as that is known by now."""
        if not replayable:
            self._pay(stretch.camera_id)
        owed = self._owed.get(stretch.camera_id)
        self._spool.add(
            self._claimed(stretch, replayable=replayable),
            draft,
            replace(state, epoch=self._tenure.epoch, owed=owed),
            replayable=replayable,
        )

    def wait_for_room(self, stop: StopSignal) -> None:
        """Block while more than half of the bound is used, or until `stop`."""
        self._spool.wait_for_room(stop)

    def _claimed(self, stretch: Stretch, *, replayable: bool) -> Stretch:
        # What was recorded earlier lies before every tenure: what counts is when it was read.
        until = self._clock.now() if replayable else stretch.ends_at
        return replace(stretch, claim=Claim(self._tenure.partition, self._tenure.epoch, until))

    def _early(self) -> timedelta:
        """Return how far a gap that is owed reaches back into what was told before it; less than a frame lasts.

        The id of a stretch is its camera's and its beginning's. The others may still tell footage that begins where
        that ended; and whoever takes the camera next, before this one's spool is sent, owes the same time and more.
        """
        return MICROSECOND * (1 + self._tenure.epoch % _EARLIEST)

    def _pay(self, camera_id: str) -> None:
        """Spool what is owed, as far as that is known. Raises OSError; what is not spooled yet stays owed."""
        owed = self._owed.get(camera_id)
        if owed is None:
            return
        if camera_id not in self._untold:
            try:
                self._untold[camera_id] = deque(self._predecessors.untold_before(camera_id, owed.before))
            except StillUnknownError:
                return
        untold = self._untold[camera_id]
        while untold:
            starts_at, ends_at = untold[0]
            # What lies further back another replica owed, and was stopped before it had found it out.
            cause = owed.cause if ends_at == owed.before else Cause.RECORDER_DOWN
            gap = Stretch(camera_id, starts_at - self._early(), ends_at, cause)
            state = replace(self._spool.state(camera_id), owed=None if len(untold) == 1 else owed)
            self._spool.add(self._claimed(gap, replayable=False), None, state, replayable=False)
            untold.popleft()
        del self._owed[camera_id], self._untold[camera_id]
