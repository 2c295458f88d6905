"""YuNet by onnxruntime: the surest of the three detectors a millisecond; no registry carries its model.

Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 20, 2023. OpenCV's
FaceDetectorYN reads the same file and gives the same faces, in twice the time.
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

_STRIDES: Final = (8, 16, 32)
_OUTPUTS: Final = [f"{kind}_{stride}" for stride in _STRIDES for kind in ("cls", "obj", "bbox", "kps")]


class YunetNetwork:
    """Reads the twelve heads of the network: at each of three strides a class, an objectness, a box and five points."""

    def __init__(self, model: bytes, name: str) -> None:
        """Load `model`, an ONNX file; raise FinderError when it is no such model."""
        self._network = OnnxNetwork(model, name=name, rgb=False)

    def faces(self, picture: NDArray[np.uint8], least_score: float) -> list[FoundFace]:
        """Return the faces of `picture`, uint8 HxWx3 RGB, in its pixels, with repeats."""
        answers = self._network.run(picture, _OUTPUTS)
        columns_px = -(-picture.shape[1] // _STRIDES[-1]) * _STRIDES[-1]
        found = []
        for index, stride in enumerate(_STRIDES):
            classes, objects, boxes, points = (answer[0] for answer in answers[index * 4 : index * 4 + 4])
            scores = np.sqrt(np.clip(classes[:, 0], 0, 1) * np.clip(objects[:, 0], 0, 1))
            columns = columns_px // stride
            for cell in np.flatnonzero(scores >= least_score).tolist():
                corner = np.array([cell % columns, cell // columns], dtype=np.float64) * stride
                found.append(_face(corner, stride, float(scores[cell]), boxes[cell], points[cell]))
        return found


def _face(
    corner: NDArray[np.float64], stride: int, score: float, box: NDArray[np.float32], points: NDArray[np.float32]
) -> FoundFace:
    x, y = (corner + box[:2] * stride).tolist()
    width, height = (np.exp(box[2:4].astype(np.float64)) * stride).tolist()
    right_eye, left_eye, nose, right_mouth, left_mouth = (
        (float(one[0]), float(one[1])) for one in corner + points.reshape(5, 2).astype(np.float64) * stride
    )
    mouth = (right_mouth[0] + left_mouth[0]) / 2, (right_mouth[1] + left_mouth[1]) / 2
    # The box ends at the ears, so its width is the face's.
    return FoundFace(
        Box(x - width / 2, y - height / 2, width, height), score, Landmarks(right_eye, left_eye, nose, mouth), width
    )


def yunet_finder(model: bytes, *, name: str, sha256: str, least_score: float, least_face_px: int) -> AreaFinder:
    """Return a finder of `model`, which the manifest calls `name` with `sha256`; raise FinderError."""
    return AreaFinder(
        YunetNetwork(model, name),
        name=name,
        sha256=sha256,
        least_score=least_score,
        least_face_px=least_face_px,
        needed_px=_NEEDED_PX,
    )
