"""BlazeFace full range by LiteRT, for reference photos."""

import threading
from typing import Final

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from homeward.shared.vision.blazeface import INPUT_PX, FoundFace, decode, letterbox

LEAST_SCORE: Final = 0.5
"""What the model is less sure of is not told."""


class BlazeFaceFinder:
    """One interpreter behind a lock: photos are few, and several at once would take the cores from the search."""

    def __init__(self, data: bytes) -> None:
        """`data` is the verified .tflite file."""
        self._lock = threading.Lock()
        self._interpreter = Interpreter(model_content=data, num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [detail["index"] for detail in self._interpreter.get_output_details()]

    def find(self, image: NDArray[np.uint8]) -> list[FoundFace]:
        """Return the faces in one look at `image`, uint8 HxWx3 RGB, best first."""
        square, laid = letterbox(image)
        with self._lock:
            regressors, scores = self._run(square)
        return decode(regressors, scores, laid, LEAST_SCORE)

    def forget(self) -> None:
        """Run on an empty picture, which overwrites every layer's memory of the last photo."""
        with self._lock:
            self._run(np.zeros((1, INPUT_PX, INPUT_PX, 3), np.float32))

    def _run(self, square: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        self._interpreter.set_tensor(self._input, square)
        self._interpreter.invoke()
        regressors, scores = (self._interpreter.get_tensor(index) for index in self._outputs)
        return np.asarray(regressors, np.float32), np.asarray(scores, np.float32)
