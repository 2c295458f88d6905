"""What several tests of detection build on."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from homeward.detection.faces import Box, FoundFace
from homeward.shared.vision.alignment import Landmarks

MakeFace = Callable[..., FoundFace]


def _face(x: float, y: float, width: float = 48.0, score: float = 0.9) -> FoundFace:
    """Return a frontal face around (x, y)."""
    landmarks = Landmarks(
        right_eye=(x - 0.21 * width, y - 0.12 * width),
        left_eye=(x + 0.21 * width, y - 0.12 * width),
        nose=(x, y + 0.1 * width),
        mouth=(x, y + 0.37 * width),
    )
    box = Box(x - 0.6 * width, y - 0.6 * width, 1.2 * width, 1.2 * width)
    return FoundFace(box, score, landmarks, width)


@pytest.fixture
def make_face() -> MakeFace:
    return _face


@pytest.fixture
def texture() -> NDArray[np.uint8]:
    """A picture with detail everywhere, uint8 360x640x3."""
    return np.random.default_rng(7).integers(0, 256, (360, 640, 3), dtype=np.uint8)
