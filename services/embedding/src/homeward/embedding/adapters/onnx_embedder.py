"""An embedder of the operator's own, as an ONNX file, by onnxruntime."""

import os
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from homeward.embedding.answers import EmbedderModel, EngineError
from homeward.embedding.mirror import Floats, averaged, in_batches, normalised, unit, with_mirror

_FACE: Final = 112
_CHANNELS: Final = 3
_SEVERITY_ERROR: Final = 3


@dataclass(frozen=True, slots=True)
class OnnxInput:
    """What the model wants to see: RGB, (value - mean) / scale; `mirror`: a face and its mirror image, averaged."""

    mean: float = 127.5
    scale: float = 127.5
    mirror: bool = True


CPU: Final = "CPUExecutionProvider"


class OnnxEmbedder:
    """One session with one thread of a model that takes 112x112 RGB faces, NCHW or NHWC, and gives one row for each."""

    def __init__(self, data: bytes, model: EmbedderModel, given: OnnxInput | None = None, provider: str = CPU) -> None:
        """`data` is the verified .onnx file, `provider` onnxruntime's own name of what it runs on.

        Raises EngineError when it is no such model, or does not run there.
        """
        self._model = model
        self._provider = provider
        self._given = given or OnnxInput()
        onnxruntime = _onnxruntime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = _SEVERITY_ERROR
        # An arena would keep the last faces' memory for itself, out of reach of `forget`.
        options.enable_cpu_mem_arena = False
        present = onnxruntime.get_available_providers()
        if provider not in present:
            raise EngineError(
                f"this onnxruntime has no {provider}, only {', '.join(present)}: install the build that has it, "
                "onnxruntime-gpu for one, or leave HOMEWARD_ONNX__PROVIDER out"
            )
        try:
            self._session = onnxruntime.InferenceSession(data, options, providers=[provider])
        except Exception as error:  # the library's own exceptions have no common type but this
            raise EngineError(f"{model.name} is not a model that onnxruntime can run") from error
        if self._session.get_providers()[0] != provider:
            # The library goes on with the processor where a driver is missing, and a search would take a day.
            raise EngineError(f"{provider} does not start on this machine: its driver or its libraries are missing")
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or inputs[0].type != "tensor(float)":
            raise EngineError(f"{model.name} does not take one input of 32-bit floats")
        self._input, self._output = inputs[0].name, outputs[0].name
        self._batch, self._channels_first = _layout(model, inputs[0].shape)
        self._check_output()

    @property
    def model(self) -> EmbedderModel:
        """The model's name and hash."""
        return self._model

    @property
    def batch(self) -> int | None:
        """How many faces fill the model's batch; None when it takes any number."""
        if self._batch is None:
            return None
        return max(1, self._batch // (2 if self._given.mirror else 1))

    def embed(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return NxD templates of unit length for `faces`, uint8 Nx112x112x3 RGB."""
        images = normalised(faces, self._given.mean, self._given.scale)
        if not self._given.mirror:
            return unit(in_batches(images, self._batch, self._run))
        return averaged(in_batches(with_mirror(images), self._batch, self._run))

    def forget(self) -> None:
        """Overwrite a device's memory of the last face; without an arena the processor's was given back by itself."""
        if self._provider != CPU:
            self._run(np.zeros((self._batch or 1, _FACE, _FACE, _CHANNELS), np.float32))

    def _run(self, images: Floats) -> Floats:
        laid = np.ascontiguousarray(images.transpose(0, 3, 1, 2)) if self._channels_first else images
        rows: Any = self._session.run([self._output], {self._input: laid})[0]
        return np.asarray(rows, dtype=np.float32)

    def _check_output(self) -> None:
        count = self._batch or 1
        try:
            rows = self._run(np.zeros((count, _FACE, _FACE, _CHANNELS), np.float32))
        except Exception as error:  # as above
            raise EngineError(f"{self._model.name} does not run on a {_FACE}x{_FACE} picture") from error
        if rows.ndim != 2 or rows.shape[0] != count:  # noqa: PLR2004 - NxD
            raise EngineError(f"{self._model.name} does not give one row of floats for each face")


def _onnxruntime() -> Any:
    """Return the library, told before it is loaded, and once more afterwards, not to report its use to its maker.

    It is loaded for an operator's own model alone: what is not loaded reports nothing.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime  # noqa: PLC0415 - see above

    onnxruntime.disable_telemetry_events()
    return onnxruntime


def _layout(model: EmbedderModel, shape: list[Any]) -> tuple[int | None, bool]:
    """Return the fixed batch, or None where any will do, and whether the channels stand before rows and columns."""
    if shape[1:] == [_CHANNELS, _FACE, _FACE]:
        first = True
    elif shape[1:] == [_FACE, _FACE, _CHANNELS]:
        first = False
    else:
        raise EngineError(f"{model.name} takes neither Nx3x112x112 nor Nx112x112x3")
    return (shape[0] if isinstance(shape[0], int) and shape[0] > 0 else None), first
