"""The cameras as forms offer them."""

from collections.abc import Sequence

from homeward.access.footage.cameras import CameraTable
from homeward.access.web.console.ports import CameraChoice


class TableBook:
    """Every camera of the table, by name; those that are switched off too, since their recordings can be searched."""

    def __init__(self, cameras: CameraTable) -> None:
        self._cameras = cameras

    def choices(self) -> Sequence[CameraChoice]:
        """Return every camera."""
        return [CameraChoice(camera.camera_id, camera.display_name) for camera in self._cameras.every()]
