"""The cameras as they were last known, one file each."""

import os
from pathlib import Path
from typing import Final

from homeward.shared.objectkeys import CAMERA_ID
from homeward.shared.telemetry.logging import get_logger

_SUFFIX: Final = ".camera"

_log = get_logger()


class CameraFiles:
    """The port `CameraMemory` on a folder of the local disk. Every method may raise OSError."""

    def __init__(self, folder: Path) -> None:
        """Make the folder when it is not there."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def recall(self) -> dict[str, bytes]:
        """Return the serialised state of each remembered camera, by id; one that cannot be read is left out."""
        found: dict[str, bytes] = {}
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            try:
                found[path.stem] = path.read_bytes()
            except OSError as error:
                _log.error("a remembered camera cannot be read", camera_id=path.stem, error=error)
        return found

    def remember(self, camera_id: str, state: bytes | None) -> None:
        """Remember a camera's state, or forget it; an id that is no file name is not remembered."""
        if CAMERA_ID.fullmatch(camera_id) is None:
            return
        path = self._folder / f"{camera_id}{_SUFFIX}"
        if state is None:
            path.unlink(missing_ok=True)
            return
        if path.exists() and path.read_bytes() == state:
            return
        aside = path.with_suffix(".part")
        with aside.open("wb") as file:
            file.write(state)
            file.flush()
            os.fsync(file.fileno())
        aside.rename(path)
