"""A network of onnxruntime that looks at pictures of any size, on one thread, and tells nobody of it."""

import os
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from homeward.detection.adapters.onnx_sizes import with_any_size
from homeward.detection.ports import FinderError

_STRIDE_PX: Final = 32
"""Both networks halve their input five times: its sides are multiples of this."""

_SEVERITY_ERROR: Final = 3


class OnnxNetwork:
    """One session; used by one thread at a time, whose core is all that it takes."""

    def __init__(self, model: bytes, *, name: str, rgb: bool) -> None:
        """Load `model`, which the manifest calls `name`; it sees RGB when `rgb` is true, else BGR, 0 to 255.

        Raises FinderError when onnxruntime cannot run it.
        """
        self._name = name
        self._rgb = rgb
        onnxruntime = _onnxruntime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = _SEVERITY_ERROR
        # Parts of a frame have many sizes: a plan of memory for each of them would only grow.
        options.enable_mem_pattern = False
        try:
            self._session = onnxruntime.InferenceSession(
                with_any_size(model), options, providers=["CPUExecutionProvider"]
            )
            self._input = self._session.get_inputs()[0].name
        except Exception as error:  # the library's own exceptions have no common type but this
            raise FinderError(f"onnxruntime cannot load the model {name}: {type(error).__name__}") from error

    def run(self, picture: NDArray[np.uint8], outputs: list[str]) -> list[NDArray[np.float32]]:
        """Return the named outputs for `picture`, uint8 HxWx3 RGB, which is continued to multiples of 32 px.

        Raises FinderError.
        """
        height, width = picture.shape[:2]
        bottom, right = -height % _STRIDE_PX, -width % _STRIDE_PX
        padded = cv2.copyMakeBorder(picture, 0, bottom, 0, right, cv2.BORDER_CONSTANT)
        blob = cv2.dnn.blobFromImage(padded, swapRB=not self._rgb)
        try:
            return [np.asarray(answer) for answer in self._session.run(outputs, {self._input: blob})]
        except Exception as error:  # as above
            raise FinderError(f"the model {self._name} failed on a picture: {type(error).__name__}") from error


def _onnxruntime() -> Any:
    """Return the library, told before it is loaded, and once more afterwards, not to report its use to its maker."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime  # noqa: PLC0415 - see above

    onnxruntime.disable_telemetry_events()
    return onnxruntime
