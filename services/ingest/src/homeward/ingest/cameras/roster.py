"""Which cameras this replica answers for, as their descriptions ask."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

from google.protobuf.message import Message

from homeward.ingest.cameras.sources import SourceRefusedError, source_of
from homeward.ingest.status.report import OwnedCamera, Standing
from homewardapi.camera.v1.camera_pb2 import Camera


class Table(Protocol):
    """The table of cameras."""

    def caught_up(self, timeout: timedelta) -> bool:
        """Return whether the table has been read once, after `timeout` at the latest."""
        ...


class CameraRoster:
    """Follows the table of cameras and tells those that this replica owns, recorded or not.

    Safe to use from several threads.
    """

    def __init__(
        self,
        owns: Callable[[str], bool],
        epoch: Callable[[str], int | None] = lambda _: None,
    ) -> None:
        """`owns` answers whether this replica answers for a camera now, `epoch` that of its recording."""
        self._owns = owns
        self._epoch = epoch
        self._table: Table | None = None
        self._lock = threading.Lock()
        self._cameras: dict[str, OwnedCamera] = {}

    def follow(self, table: Table) -> None:
        """Take `table` as the one that `change` is called by."""
        self._table = table

    def change(self, camera_id: str, message: Message | None) -> None:
        """Take one state of a camera, None for its removal. Called by the table's thread, in order."""
        with self._lock:
            if isinstance(message, Camera):
                self._cameras[camera_id] = _described(message)
            else:
                self._cameras.pop(camera_id, None)

    def cameras(self) -> Mapping[str, OwnedCamera]:
        """Return each camera of which this replica tells, by id."""
        with self._lock:
            known = list(self._cameras.items())
        return {
            camera_id: replace(camera, epoch=self._epoch(camera_id))
            for camera_id, camera in known
            if self._owns(camera_id)
        }

    def is_removed(self, camera_id: str) -> bool:
        """Whether there is surely no such camera any more, at any replica."""
        with self._lock:
            known = camera_id in self._cameras
        return not known and self._table is not None and self._table.caught_up(timedelta(0))


def _described(camera: Camera) -> OwnedCamera:
    if not camera.enabled:
        return OwnedCamera(Standing.DISABLED)
    try:
        spec = source_of(camera)
    except SourceRefusedError:
        # Whoever would record it says why.
        return OwnedCamera(Standing.REFUSED)
    return OwnedCamera(Standing.WANTED, live=spec.live, schedule=spec.schedule)
