"""The cameras' wanted states in, what shall be recorded out."""

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from google.protobuf.message import DecodeError, Message

from homeward.ingest.cameras.sources import SourceRefusedError, SourceSpec, source_of
from homeward.ingest.ports import CameraMemory
from homeward.ingest.status.report import Standing
from homeward.shared.telemetry.logging import get_logger
from homewardapi.camera.v1.camera_pb2 import Camera

_log = get_logger()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one camera's description asks for; `spec` is None where it is not to be recorded."""

    standing: Standing
    spec: SourceSpec | None = None


class CameraStates:
    """Follows the table of cameras and tells what shall be recorded, by whichever replica.

    Each state is remembered, so that a restart while Kafka is away records what was last wanted; what the disk does not
    take is offered to it again. A camera that cannot be recorded as described is logged and not recorded; it disturbs
    no other.
    """

    def __init__(self, memory: CameraMemory) -> None:
        self._memory = memory
        self._wanted: dict[str, Wanted] = {}
        self._recalled: set[str] = set()
        self._saving = threading.Lock()
        self._unsaved: dict[str, bytes | None] = {}
        self._refused = False
        self._changed = threading.Condition()
        self._version = 0
        self._known = False

    def change(self, camera_id: str, message: Message | None) -> None:
        """Take one state of a camera, None for its removal. Called by the table's thread, in order."""
        wanted: Wanted | None = None
        if message is None:
            self._remember(camera_id, None)
        else:
            if not isinstance(message, Camera):
                raise TypeError("the table of cameras holds another message")
            wanted = _wanted(message)
            self._remember(camera_id, message.SerializeToString(deterministic=True))
        self._set(camera_id, wanted)

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
            self._set(camera_id, _wanted(camera), recalled=True)
        self._know()

    def confirm(self) -> None:
        """Forget what was recalled and is not in the table, now that the table is read."""
        with self._changed:
            gone = sorted(self._recalled)
        for camera_id in gone:
            self._remember(camera_id, None)
            self._set(camera_id, None)
        self._know()

    def save(self) -> None:
        """Offer to the disk once more what it did not take."""
        with self._saving:
            self._save()

    def recorded(self) -> Collection[str] | None:
        """Return the ids of the cameras that shall be recorded; None before the table was read or recalled."""
        with self._changed:
            if not self._known:
                return None
            return [camera_id for camera_id, wanted in self._wanted.items() if wanted.spec is not None]

    def wanted(self) -> tuple[int, Mapping[str, Wanted]]:
        """Return what each camera's description asks for, and a version that rises with each change."""
        with self._changed:
            return self._version, dict(self._wanted)

    def wait(self, version: int, timeout_s: float) -> None:
        """Block until there is a later version than `version`, or for `timeout_s`."""
        with self._changed:
            self._changed.wait_for(lambda: self._version > version, timeout_s)

    def poke(self) -> None:
        """Wake who waits: something else changed that decides what is recorded."""
        with self._changed:
            self._version += 1
            self._changed.notify_all()

    def _remember(self, camera_id: str, state: bytes | None) -> None:
        with self._saving:
            self._unsaved[camera_id] = state
            self._save()

    def _save(self) -> None:
        while self._unsaved:
            camera_id, state = next(iter(self._unsaved.items()))
            try:
                self._memory.remember(camera_id, state)
            except OSError as error:
                if not self._refused:
                    _log.error("cameras cannot be remembered", camera_id=camera_id, error=error)
                self._refused = True
                return
            del self._unsaved[camera_id]
        self._refused = False

    def _know(self) -> None:
        with self._changed:
            self._known = True

    def _set(self, camera_id: str, wanted: Wanted | None, *, recalled: bool = False) -> None:
        with self._changed:
            if recalled:
                self._recalled.add(camera_id)
            else:
                self._recalled.discard(camera_id)
            if wanted == self._wanted.get(camera_id):
                return
            if wanted is None:
                self._wanted.pop(camera_id, None)
            else:
                self._wanted[camera_id] = wanted
            self._version += 1
            self._changed.notify_all()


def _wanted(camera: Camera) -> Wanted:
    if not camera.enabled:
        return Wanted(Standing.DISABLED)
    try:
        return Wanted(Standing.WANTED, source_of(camera))
    except SourceRefusedError as error:
        _log.error("camera is refused", error=error)
        return Wanted(Standing.REFUSED)
