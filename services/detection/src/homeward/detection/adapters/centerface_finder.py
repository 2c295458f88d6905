"""CenterFace by onnxruntime: as sure as YuNet at five times its cost, and inside a package of the registry.

Xu, Yan, Yang, Sun, Sun and Wang, "CenterFace: Joint Face Detection and Alignment Using Face as Point", Scientific
Programming, 2020.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeward.detection.adapters.area_finder import AreaFinder
from homeward.detection.adapters.onnx_network import OnnxNetwork
from homeward.detection.faces import Box, FoundFace
from homeward.shared.vision.alignment import Landmarks

_NEEDED_PX: Final = 12
"""Face width in the searched picture from which on the model finds nearly every clear face; docs/detection.md."""

_STRIDE_PX: Final = 4
_OUTPUTS: Final = ["537", "538", "539", "540"]
"""The heat map of faces' middles, the logarithm of half heights and widths, the middle's offset, five points."""


class CenterfaceNetwork:
    """Reads the four maps of the network, a quarter of the picture's size."""

    def __init__(self, model: bytes, name: str) -> None:
        """Load `model`, an ONNX file; raise FinderError when it is no such model."""
        self._network = OnnxNetwork(model, name=name, rgb=True)

    def faces(self, picture: NDArray[np.uint8], least_score: float) -> list[FoundFace]:
        """Return the faces of `picture`, uint8 HxWx3 RGB, in its pixels, with repeats."""
        heat, sizes, offsets, points = (answer[0] for answer in self._network.run(picture, _OUTPUTS))
        found = []
        for row, column in np.argwhere(heat[0] >= least_score).tolist():
            height, width = (np.exp(sizes[:, row, column].astype(np.float64)) * _STRIDE_PX).tolist()
            x = (column + float(offsets[1, row, column]) + 0.5) * _STRIDE_PX
            y = (row + float(offsets[0, row, column]) + 0.5) * _STRIDE_PX
            box = Box(x - width / 2, y - height / 2, width, height)
            found.append(_face(box, float(heat[0, row, column]), points[:, row, column]))
        return found


def _face(box: Box, score: float, points: NDArray[np.float32]) -> FoundFace:
    """Return the face of `box` with `points`: five of (y, x), in shares of the box from its upper left corner."""
    right_eye, left_eye, nose, right_mouth, left_mouth = (
        (box.left + float(x) * box.width, box.top + float(y) * box.height) for y, x in points.reshape(5, 2)
    )
    mouth = (right_mouth[0] + left_mouth[0]) / 2, (right_mouth[1] + left_mouth[1]) / 2
    return FoundFace(box, min(1.0, score), Landmarks(right_eye, left_eye, nose, mouth), box.width)


def centerface_finder(model: bytes, *, name: str, sha256: str, least_score: float, least_face_px: int) -> AreaFinder:
    """Return a finder of `model`, which the manifest calls `name` with `sha256`; raise FinderError."""
    return AreaFinder(
        CenterfaceNetwork(model, name),
        name=name,
        sha256=sha256,
        least_score=least_score,
        least_face_px=least_face_px,
        needed_px=_NEEDED_PX,
    )
