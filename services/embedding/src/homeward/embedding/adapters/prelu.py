"""MobileFaceNet's activations, each spelt in five steps in the published file, put back into the one that they are.

The file came from a framework without a leaky rectifier of its own, so each of the 33 layers computes
relu(x) + a (x - |x|), which is x above zero and 2ax below it: PRELU with a slope of 2a. Doubling is exact in binary, so
every template stays the same, bit for bit, and a third of the time goes, which went into reading and writing the
steps between. A file of another kind stays as it is.
"""

from typing import Any, Final

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

_IDENTIFIER: Final = b"TFL3"


def with_prelu(data: bytes) -> bytes:
    """Return the TFLite model `data` with every leaky rectifier in one step; the same bytes where it has none.

    Raises ValueError when the bytes are no TFLite model.
    """
    if data[4:8] != _IDENTIFIER:
        raise ValueError("the bytes are not a TFLite model")
    try:
        model: Any = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    except Exception as error:  # the generated reader runs off the end of a torn file in many ways
        raise ValueError("the TFLite model is damaged") from error
    fused = [_Graph(model, graph).fuse() for graph in model.subgraphs]
    if not any(fused):
        return data
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), _IDENTIFIER)
    return bytes(builder.Output())


class _Graph:
    """One graph of a model, as the schema's own objects; it is changed in place."""

    def __init__(self, model: Any, graph: Any) -> None:
        self._model = model
        self._graph = graph
        self._makes = {int(tensor): step for step in graph.operators for tensor in step.outputs}
        self._readers: dict[int, int] = {int(tensor): 1 for tensor in graph.outputs}
        for step in graph.operators:
            for tensor in set(map(int, step.inputs)):
                self._readers[tensor] = self._readers.get(tensor, 0) + 1

    def fuse(self) -> bool:
        """Replace every leaky rectifier; say whether there was one."""
        found = [(step, parts) for step in self._graph.operators if (parts := self._leaky(step)) is not None]
        if not found:
            return False
        code = self._prelu_code()
        gone: set[int] = set()
        for step, (tensor, slope, within) in found:
            step.inputs = np.array([tensor, self._doubled(slope)], dtype=np.int32)
            step.opcodeIndex, step.builtinOptionsType, step.builtinOptions = code, schema.BuiltinOptions.NONE, None
            gone.update(map(id, within))
        self._graph.operators = [step for step in self._graph.operators if id(step) not in gone]
        return True

    def _leaky(self, step: Any) -> tuple[int, int, list[Any]] | None:
        """Return x, a and the four steps before `step` when it adds relu(x) and a (x - |x|), and alone reads them."""
        rectified, scaled = self._made(step, "ADD", ("RELU", "MUL"))
        if rectified is None or scaled is None:
            return None
        slope, difference = (int(one) for one in scaled.inputs)
        less = self._makes.get(difference)
        if less is None or self._kind(less) != schema.BuiltinOperator.SUB or not self._constant(slope):
            return None
        tensor, absolute = (int(one) for one in less.inputs)
        magnitude = self._makes.get(absolute)
        if magnitude is None or self._kind(magnitude) != schema.BuiltinOperator.ABS:
            return None
        within = [rectified, scaled, less, magnitude]
        same = int(rectified.inputs[0]) == int(magnitude.inputs[0]) == tensor
        alone = all(self._readers[int(one.outputs[0])] == 1 for one in within)
        plain = all(self._plain(one) for one in (step, scaled, less))
        return (tensor, slope, within) if same and alone and plain else None

    def _made(self, step: Any, kind: str, makers: tuple[str, str]) -> tuple[Any, Any]:
        """Return the steps that make the two inputs of `step` when all three are of the kinds named."""
        if self._kind(step) != getattr(schema.BuiltinOperator, kind):
            return None, None
        found = [self._makes.get(int(tensor)) for tensor in step.inputs]
        kinds = [None if one is None else self._kind(one) for one in found]
        wanted = [getattr(schema.BuiltinOperator, maker) for maker in makers]
        return (found[0], found[1]) if kinds == wanted else (None, None)

    def _kind(self, step: Any) -> int:
        code = self._model.operatorCodes[step.opcodeIndex]
        # Older files name the kind in a field of one byte, which the newer one repeats.
        return int(max(code.builtinCode, code.deprecatedBuiltinCode))

    def _plain(self, step: Any) -> bool:
        """Whether a step ends without an activation of its own."""
        options = step.builtinOptions
        return options is None or options.fusedActivationFunction == schema.ActivationFunctionType.NONE

    def _constant(self, tensor: int) -> bool:
        found = self._graph.tensors[tensor]
        data = self._model.buffers[found.buffer].data
        return found.type == schema.TensorType.FLOAT32 and data is not None and len(data) > 0

    def _doubled(self, tensor: int) -> int:
        """Return a new tensor of twice the numbers of `tensor`, which others may read as well."""
        old = self._graph.tensors[tensor]
        numbers = np.frombuffer(np.asarray(self._model.buffers[old.buffer].data, dtype=np.uint8).tobytes(), np.float32)
        buffer, new = schema.BufferT(), schema.TensorT()
        buffer.data = np.frombuffer((numbers * np.float32(2)).tobytes(), dtype=np.uint8)
        self._model.buffers.append(buffer)
        new.shape, new.type, new.name = old.shape, old.type, old.name
        new.buffer = len(self._model.buffers) - 1
        self._graph.tensors.append(new)
        return len(self._graph.tensors) - 1

    def _prelu_code(self) -> int:
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.PRELU
        code.version = 1
        self._model.operatorCodes.append(code)
        return len(self._model.operatorCodes) - 1
