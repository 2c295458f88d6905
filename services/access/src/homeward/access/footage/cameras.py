"""The cameras that there are, kept up to date from their topic."""

import threading
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from google.protobuf.message import Message

from homeward.shared.instants import from_duration
from homeward.shared.topics import FOOTAGE_RETENTION
from homewardapi.camera.v1.camera_pb2 import Camera


@dataclass(frozen=True, slots=True)
class CameraView:
    """A camera as people choose it: nothing of where its video comes from."""

    camera_id: str
    display_name: str
    enabled: bool
    scheduled: bool
    retention: timedelta


class CameraTable:
    """Every camera, by id. The table's reader writes, requests read: safe from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cameras: dict[str, CameraView] = {}

    def apply(self, camera_id: str, message: Message | None) -> None:
        """Take one state of the topic homeward.cameras.v1, None for a camera that was removed."""
        with self._lock:
            if isinstance(message, Camera):
                self._cameras[camera_id] = _view(message)
            else:
                self._cameras.pop(camera_id, None)

    def every(self) -> list[CameraView]:
        """Return every camera, by name."""
        with self._lock:
            return sorted(self._cameras.values(), key=lambda camera: (camera.display_name.casefold(), camera.camera_id))

    def find(self, camera_id: str) -> CameraView | None:
        """Return one camera, None where there is none of that id."""
        with self._lock:
            return self._cameras.get(camera_id)

    def unknown(self, camera_ids: Collection[str]) -> Collection[str]:
        """Return those of `camera_ids` that no camera bears."""
        with self._lock:
            return [camera_id for camera_id in camera_ids if camera_id not in self._cameras]


def _view(camera: Camera) -> CameraView:
    limited = camera.HasField("optional_retention")
    retention = from_duration(camera.optional_retention) if limited else FOOTAGE_RETENTION
    return CameraView(
        camera.camera_id,
        camera.display_name,
        camera.enabled,
        camera.HasField("optional_schedule"),
        min(retention, FOOTAGE_RETENTION),
    )
