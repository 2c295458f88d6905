"""What officials may know of cameras: which there are, what is recorded of them, and what is open to whom."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from homeward.access.errors import InvalidError, NotFoundError
from homeward.access.footage.cameras import CameraTable, CameraView
from homeward.access.footage.grants import FootageGate, GrantView
from homeward.access.footage.runs import Coverage
from homeward.access.people.principal import Principal
from homeward.access.sentence import Sentence
from homeward.shared.clock import Clock
from homeward.shared.coverage import WindowCoverage
from homeward.shared.instants import require_aware

WINDOW_MAX: Final = timedelta(days=31)
"""Longer than footage lives: no more can be asked of a camera at once."""

WINDOW_DEFAULT: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class CameraCoverage:
    """One camera and what became of its time in a window."""

    camera: CameraView
    coverage: WindowCoverage


class Footage:
    """Lists, and never a frame: video itself is for a service that hides faces. No method gives out a picture."""

    def __init__(self, cameras: CameraTable, coverage: Coverage, gate: FootageGate, clock: Clock) -> None:
        self._cameras = cameras
        self._coverage = coverage
        self._gate = gate
        self._clock = clock

    def cameras(self, principal: Principal, words: str = "") -> list[CameraView]:
        """Return the cameras by name, those alone whose id or name holds each of `words`; anybody may know them."""
        del principal
        wanted = words.casefold().split()
        return [
            camera
            for camera in self._cameras.every()
            if all(word in f"{camera.camera_id} {camera.display_name}".casefold() for word in wanted)
        ]

    def coverage(
        self, principal: Principal, camera_id: str, since: datetime | None = None, until: datetime | None = None
    ) -> CameraCoverage:
        """Return what is told of [since, until) of a camera, by default of the last day.

        Raises NotFoundError, and InvalidError for a window that is empty or longer than WINDOW_MAX.
        """
        del principal
        camera = self._cameras.find(camera_id)
        if camera is None:
            raise NotFoundError("camera", "there is no such camera; the list has those that there are")
        ends = self._clock.now() if until is None else _aware(until, "until")
        begins = ends - WINDOW_DEFAULT if since is None else _aware(since, "since")
        if not timedelta(0) < ends - begins <= WINDOW_MAX:
            raise InvalidError(
                "window",
                Sentence("the window must end after it begins, and within {days} days", {"days": WINDOW_MAX.days}),
                "since",
            )
        return CameraCoverage(camera, self._coverage.of(camera_id, begins, ends))

    def recent(self, principal: Principal, camera_id: str, length: timedelta) -> CameraCoverage:
        """Return what is told of a camera's last `length`; raises as `coverage` does."""
        now = self._clock.now()
        return self.coverage(principal, camera_id, now - length, now)

    def grants(self, principal: Principal) -> list[GrantView]:
        """Return what footage is open to `principal` now."""
        return self._gate.open_to(principal)

    def permit(self, principal: Principal, camera_id: str, starts_at: datetime, ends_at: datetime) -> GrantView:
        """Return by which grant `principal` may look at a window of a camera, recorded; ForbiddenError for none."""
        return self._gate.permit(principal, camera_id, _aware(starts_at, "starts_at"), _aware(ends_at, "ends_at"))


def _aware(at: datetime, field: str) -> datetime:
    try:
        return require_aware(at)
    except ValueError as error:
        raise InvalidError("zone", "a time needs its zone, such as Z for UTC", field) from error
