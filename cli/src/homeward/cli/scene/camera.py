"""A camera of a scene: what it looks at, how well it sees, and who passes."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from homeward.cli.scene.walk import Walker


class Backdrop(Enum):
    """A drawn place."""

    CORRIDOR = "corridor"
    STREET = "street"
    HALL = "hall"


@dataclass(frozen=True, slots=True)
class Look:
    """What a camera does to a picture.

    `gain` multiplies light (below 1 is darker), `gamma` bends it (above 1 darkens the middle), `blur_px` is the
    lens's softness (a standard deviation in pixels), `noise` the sensor's (a standard deviation in grey levels).
    """

    gain: float = 0.9
    gamma: float = 1.0
    blur_px: float = 0.6
    noise: float = 1.0

    def table(self) -> NDArray[np.uint8]:
        """Return the 256 values to which the look maps light."""
        values = np.clip(self.gain * 255 * (np.arange(256) / 255) ** self.gamma, 0, 255)
        return np.asarray(np.round(values), dtype=np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class SceneCamera:
    """One video to compose. The same camera composed twice gives the same bytes.

    `kbit_per_s` is the encoder's target. With `clock_starts_at` the time is burnt into the picture, as recorders do.
    """

    camera_id: str
    lasts_s: float
    walkers: tuple[Walker, ...] = ()
    width_px: int = 1280
    height_px: int = 720
    frames_per_s: int = 10
    backdrop: Backdrop = Backdrop.CORRIDOR
    look: Look = Look()
    kbit_per_s: int = 2000
    seed: int = 1
    clock_starts_at: datetime | None = None
