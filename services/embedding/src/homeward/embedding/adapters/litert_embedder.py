"""MobileFaceNet by LiteRT."""

import ctypes
from pathlib import Path
from typing import Any, Final

import numpy as np
from ai_edge_litert.interpreter import Interpreter, load_delegate
from numpy.typing import NDArray

from homeward.embedding.adapters.prelu import with_prelu
from homeward.embedding.answers import EmbedderModel, EngineError
from homeward.embedding.mirror import Floats, averaged, in_batches, normalised, unit, with_mirror

_MEAN: Final = 127.5
_SCALE: Final = 128.0


class LiteRtEmbedder:
    """One interpreter of a model that takes 112x112 RGB faces in a fixed batch; one thread at a time calls it."""

    def __init__(self, data: bytes, model: EmbedderModel, delegate: Path | None = None) -> None:
        """`data` is the verified .tflite file, `delegate` the library of what runs it in the processor's place.

        Raises EngineError when it is no such model, or the delegate does not load.
        """
        self._model = model
        delegates = [] if delegate is None else [_delegate(delegate)]
        try:
            self._interpreter = Interpreter(
                model_content=with_prelu(data), num_threads=1, experimental_delegates=delegates
            )
            self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise EngineError(f"{model.name} is not a model that LiteRT can run") from error
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        shape = tuple(int(side) for side in inputs[0]["shape"])
        if len(inputs) != 1 or shape[1:] != (112, 112, 3) or len(outputs[0]["shape"]) != 2:  # noqa: PLR2004 - NxD
            raise EngineError(f"{model.name} does not take 112x112 RGB faces")
        self._batch = shape[0]
        self._input, self._output = inputs[0]["index"], outputs[0]["index"]

    @property
    def model(self) -> EmbedderModel:
        """The model's name and hash."""
        return self._model

    @property
    def batch(self) -> int | None:
        """One face at a time: it and its mirror image fill the model's batch, and more at once is no cheaper."""
        return 1

    def embed(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return NxD templates of unit length for `faces`, uint8 Nx112x112x3 RGB."""
        images = with_mirror(normalised(faces, _MEAN, _SCALE))
        return averaged(in_batches(images, self._batch, self._run))

    def alone(self, face: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the template of one face, uint8 112x112x3 RGB, without its mirror image: to measure what that adds."""
        rows = in_batches(normalised(face[None], _MEAN, _SCALE), self._batch, self._run)
        return np.asarray(unit(rows)[0], dtype=np.float32)

    def forget(self) -> None:
        """Run on an empty picture, which overwrites every layer's memory of the last face."""
        shape: Any = self._interpreter.get_input_details()[0]["shape"]
        self._run(np.zeros(shape, np.float32))

    def _run(self, images: Floats) -> Floats:
        self._interpreter.set_tensor(self._input, images)
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._output), dtype=np.float32)


def _delegate(path: Path) -> Any:
    try:
        # LiteRT leaves half a delegate behind where the library does not load, which complains when it is collected.
        ctypes.CDLL(str(path))
        return load_delegate(str(path))
    except (OSError, ValueError) as error:
        raise EngineError(f"the delegate {path} does not load: it, its driver or its device is missing") from error
