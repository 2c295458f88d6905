"""YuNet through OpenCV's FaceDetectorYN: surer on small faces, and one pass a frame; no registry carries its model."""

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from homeward.detection.faces import Box, FoundFace, without_repeats
from homeward.detection.motion import Activity
from homeward.shared.vision.alignment import Landmarks

_NEEDED_PX: Final = 16
"""Face width in the searched picture from which on the model finds nearly every frontal face."""

_OVERLAP: Final = 0.3
_MOST_FACES: Final = 500

_FACE_OF_BOX: Final = 1.0
"""Face width over the width of YuNet's box, which ends at the ears."""


class YunetFinder:
    """Searches a frame in one pass, shrunk as far as the least face allows."""

    def __init__(self, model: bytes, *, name: str, sha256: str, least_score: float, least_face_px: int) -> None:
        """Load `model`, an ONNX file; OpenCV's own error passes when it cannot."""
        self.name = name
        self.sha256 = sha256
        self._scale = min(1.0, _NEEDED_PX / least_face_px)
        buffer = np.frombuffer(model, dtype=np.uint8)
        none = np.empty(0, dtype=np.uint8)
        self._detector = cv2.FaceDetectorYN.create("onnx", buffer, none, (320, 320), least_score, _OVERLAP, _MOST_FACES)

    def find(self, picture: NDArray[np.uint8], activity: Activity) -> list[FoundFace]:
        """Return the faces of `picture`, uint8 HxWx3 RGB; nothing is searched where nothing changed at all."""
        if not activity.any:
            return []
        height, width = picture.shape[:2]
        size = max(1, round(width * self._scale)), max(1, round(height * self._scale))
        sized = cv2.cvtColor(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR)
        self._detector.setInputSize(size)
        answer: Any = self._detector.detect(sized)[1]
        # OpenCV answers None, not an empty array, when there is no face.
        return [] if answer is None else without_repeats(self._face(row) for row in answer)

    def close(self) -> None:
        """OpenCV frees the model by itself."""

    def _face(self, row: Any) -> FoundFace:
        """Return the face of one answer: box, five points (x, y), score, all in pixels of the shrunk picture."""
        left, top, width, height = (float(side) / self._scale for side in row[:4])
        points = [(float(x) / self._scale, float(y) / self._scale) for x, y in row[4:14].reshape(5, 2)]
        right_eye, left_eye, nose, right_mouth, left_mouth = points
        mouth = (right_mouth[0] + left_mouth[0]) / 2, (right_mouth[1] + left_mouth[1]) / 2
        return FoundFace(
            Box(left, top, width, height),
            min(1.0, max(0.0, float(row[14]))),
            Landmarks(right_eye, left_eye, nose, mouth),
            width * _FACE_OF_BOX,
        )
