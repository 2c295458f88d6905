"""How far the import of a folder has come, from what is announced of its camera."""

from dataclasses import dataclass, replace
from datetime import datetime

from homeward.shared.events import Event
from homeward.shared.instants import from_timestamp
from homewardapi.camera.v1.camera_status_pb2 import CAMERA_STATE_DONE, CAMERA_STATE_REFUSED, CameraStatus
from homewardapi.clip.v1.clip_pb2 import Clip


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """What was announced of `camera_id` since `since`, when its description was published. Immutable."""

    camera_id: str
    since: datetime
    clips: frozenset[str] = frozenset()
    gaps: frozenset[str] = frozenset()
    through: datetime | None = None
    read_through: datetime | None = None
    read: bool = False
    refused: bool = False

    @property
    def done(self) -> bool:
        """Whether everything was read, and all of it is announced."""
        return self.read and (
            self.read_through is None or (self.through is not None and self.through >= self.read_through)
        )

    def after(self, event: Event) -> "ImportProgress":
        """Return the state once `event` is known; one of another camera changes nothing."""
        message = event.message
        if isinstance(message, Clip) and message.camera_id == self.camera_id:
            ends_at = from_timestamp(message.ends_at)
            through = ends_at if self.through is None else max(self.through, ends_at)
            if message.HasField("stored"):
                return replace(self, through=through, clips=self.clips | {message.clip_id})
            return replace(self, through=through, gaps=self.gaps | {message.clip_id})
        if (
            isinstance(message, CameraStatus)
            and message.camera_id == self.camera_id
            and from_timestamp(message.measured_at) >= self.since
        ):
            told = from_timestamp(message.optional_through) if message.HasField("optional_through") else None
            return replace(
                self,
                read=message.state == CAMERA_STATE_DONE,
                refused=message.state == CAMERA_STATE_REFUSED,
                read_through=told,
            )
        return self
