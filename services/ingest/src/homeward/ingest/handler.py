"""The cameras' wanted states in, what shall be recorded out."""

import threading
from collections.abc import Mapping

from google.protobuf.message import DecodeError, Message

from homeward.ingest.assignment import Assignment
from homeward.ingest.ports import CameraMemory
from homeward.ingest.sources import SourceRefusedError, SourceSpec, source_of
from homeward.shared.telemetry.logging import get_logger
from homewardapi.camera.v1.camera_pb2 import Camera

_log = get_logger()


class CameraStates:
    """Follows the table of cameras and tells what this replica shall record.

    Each state is remembered, so that a restart while Kafka is away records what was last wanted. A camera that cannot
    be recorded as described is logged and not recorded; it disturbs no other.
    """

    def __init__(self, memory: CameraMemory, assignment: Assignment) -> None:
        self._memory = memory
        self._assignment = assignment
        self._wanted: dict[str, SourceSpec] = {}
        self._recalled: set[str] = set()
        self._changed = threading.Condition()
        self._version = 0

    def change(self, camera_id: str, message: Message | None) -> None:
        """Take one state of a camera, None for its removal. Called by the table's thread, in order."""
        spec: SourceSpec | None = None
        if message is None:
            self._memory.remember(camera_id, None)
        else:
            if not isinstance(message, Camera):
                raise TypeError("the table of cameras holds another message")
            spec = self._spec(message)
            self._memory.remember(camera_id, message.SerializeToString(deterministic=True))
        self._set(camera_id, spec)

    def recall(self) -> None:
        """Want what was last known, for every camera of which nothing has been read yet."""
        for camera_id, state in self._memory.recall().items():
            try:
                camera = Camera.FromString(state)
            except DecodeError:
                _log.error("a remembered camera is unreadable", camera_id=camera_id)
                continue
            with self._changed:
                if camera_id in self._wanted:
                    continue
            self._set(camera_id, self._spec(camera), recalled=True)

    def confirm(self) -> None:
        """Forget what was recalled and is not in the table, now that the table is read."""
        with self._changed:
            gone = sorted(self._recalled)
        for camera_id in gone:
            self._memory.remember(camera_id, None)
            self._set(camera_id, None)

    def wanted(self) -> tuple[int, Mapping[str, SourceSpec]]:
        """Return what shall be recorded, by camera, and a version that rises with each change."""
        with self._changed:
            return self._version, dict(self._wanted)

    def wait(self, version: int, timeout_s: float) -> None:
        """Block until there is a later version than `version`, or for `timeout_s`."""
        with self._changed:
            self._changed.wait_for(lambda: self._version > version, timeout_s)

    def _spec(self, camera: Camera) -> SourceSpec | None:
        if not camera.enabled or not self._assignment.records(camera.camera_id):
            return None
        try:
            return source_of(camera)
        except SourceRefusedError as error:
            _log.error("camera is refused", error=error)
            return None

    def _set(self, camera_id: str, spec: SourceSpec | None, *, recalled: bool = False) -> None:
        with self._changed:
            if recalled:
                self._recalled.add(camera_id)
            else:
                self._recalled.discard(camera_id)
            if spec is None:
                self._wanted.pop(camera_id, None)
            else:
                self._wanted[camera_id] = spec
            self._version += 1
            self._changed.notify_all()
