"""The rewriting of leaky rectifiers, on the smallest models that hold one."""

from collections.abc import Callable
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from homeward.embedding.adapters.litert_embedder import LiteRtEmbedder
from homeward.embedding.adapters.prelu import with_prelu
from homeward.embedding.answers import EmbedderModel, EngineError

X, SLOPE, RECTIFIED, ABSOLUTE, LESS, SCALED, SUM, OTHER = range(8)
SLOPES = np.array([0.125, -0.3, 0.1, 0.0], np.float32)
INPUT = np.array([[-3.7, -1.1, 0.0, 2.5], [1e-3, 5.3, -0.7, -9.1]], np.float32)

Edit = Callable[[Any], object]


def step(model: Any, kind: int, inputs: list[int], output: int, options: Any = None) -> Any:
    code, made = schema.OperatorCodeT(), schema.OperatorT()
    code.builtinCode = code.deprecatedBuiltinCode = kind
    code.version = 1
    model.operatorCodes.append(code)
    made.opcodeIndex = len(model.operatorCodes) - 1
    made.inputs, made.outputs = np.array(inputs, np.int32), np.array([output], np.int32)
    if options is not None:
        made.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        made.builtinOptions = options
    return made


def leaky(edit: Edit = lambda _: None) -> bytes:
    """Return a model of relu(x) + a (x - |x|) on 2x4 floats, changed by `edit`."""
    model, graph, kinds = schema.ModelT(), schema.SubGraphT(), schema.BuiltinOperator
    model.version, model.operatorCodes, model.subgraphs = 3, [], [graph]
    model.buffers = [schema.BufferT(), schema.BufferT()]
    model.buffers[1].data = np.frombuffer(SLOPES.tobytes(), np.uint8)
    graph.tensors, graph.inputs, graph.outputs = [], np.array([X], np.int32), np.array([SUM], np.int32)
    for index in range(OTHER + 1):
        tensor = schema.TensorT()
        tensor.shape, tensor.type = np.array([4] if index == SLOPE else [2, 4], np.int32), schema.TensorType.FLOAT32
        tensor.buffer, tensor.name = int(index == SLOPE), f"tensor {index}".encode()
        graph.tensors.append(tensor)
    graph.operators = [
        step(model, kinds.RELU, [X], RECTIFIED),
        step(model, kinds.ABS, [X], ABSOLUTE),
        step(model, kinds.SUB, [X, ABSOLUTE], LESS, schema.SubOptionsT()),
        step(model, kinds.MUL, [SLOPE, LESS], SCALED, schema.MulOptionsT()),
        step(model, kinds.ADD, [RECTIFIED, SCALED], SUM, schema.AddOptionsT()),
    ]
    edit(model)
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def run(data: bytes) -> tuple[list[str], NDArray[np.float32]]:
    """Return the steps of a model, and what it makes of INPUT."""
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=data, num_threads=1, experimental_op_resolver_type=plain)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], INPUT)
    interpreter.invoke()
    # LiteRT tells its steps in no other way.
    steps = [one["op_name"] for one in interpreter._get_ops_details()]
    return steps, np.asarray(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]), np.float32)


def test_five_steps_become_one_and_give_the_same_numbers() -> None:
    before, after = run(leaky()), run(with_prelu(leaky()))
    assert before[0] == ["RELU", "ABS", "SUB", "MUL", "ADD"]
    assert after[0] == ["PRELU"]
    assert np.array_equal(after[1], before[1])
    assert after[1][0, 0] == np.float32(-3.7) * np.float32(0.25)


def test_a_slope_that_others_read_stays_what_it_is() -> None:
    def read_twice(model: Any) -> None:
        graph = model.subgraphs[0]
        graph.operators.append(step(model, schema.BuiltinOperator.MUL, [SUM, SLOPE], OTHER, schema.MulOptionsT()))
        graph.outputs = np.array([OTHER], np.int32)

    before, after = run(leaky(read_twice)), run(with_prelu(leaky(read_twice)))
    assert after[0] == ["PRELU", "MUL"]
    assert np.array_equal(after[1], before[1])


def reads_another(index: int, position: int = 0) -> Edit:
    def edit(model: Any) -> None:
        graph = model.subgraphs[0]
        graph.inputs = np.array([X, OTHER], np.int32)
        graph.operators[index].inputs[position] = OTHER

    edit.__name__ = f"step_{index}_reads_another"
    return edit


def read_elsewhere(tensor: int) -> Edit:
    def edit(model: Any) -> None:
        model.subgraphs[0].outputs = np.array([SUM, tensor], np.int32)

    edit.__name__ = f"tensor_{tensor}_read_elsewhere"
    return edit


def other_kind(index: int, kind: int) -> Edit:
    def edit(model: Any) -> None:
        code = model.operatorCodes[model.subgraphs[0].operators[index].opcodeIndex]
        code.builtinCode = code.deprecatedBuiltinCode = kind

    edit.__name__ = f"step_{index}_of_kind_{kind}"
    return edit


def cut_off(index: int) -> Edit:
    def edit(model: Any) -> None:
        relu = schema.ActivationFunctionType.RELU
        model.subgraphs[0].operators[index].builtinOptions.fusedActivationFunction = relu

    edit.__name__ = f"step_{index}_cut_off_at_zero"
    return edit


def slope_computed(model: Any) -> None:
    model.subgraphs[0].tensors[SLOPE].buffer = 0
    model.subgraphs[0].inputs = np.array([X, SLOPE], np.int32)


@pytest.mark.parametrize(
    "edit",
    [
        *map(reads_another, range(3)),
        *map(read_elsewhere, (RECTIFIED, ABSOLUTE, LESS, SCALED)),
        other_kind(0, schema.BuiltinOperator.NEG),
        other_kind(1, schema.BuiltinOperator.NEG),
        *map(cut_off, (2, 3, 4)),
        slope_computed,
    ],
    ids=lambda edit: edit.__name__,
)
def test_what_is_no_leaky_rectifier_stays_as_it_is(edit: Edit) -> None:
    assert with_prelu(leaky(edit)) == leaky(edit)


@pytest.mark.parametrize("data", [b"", bytes(100), b"\x18\0\0\0TFL3", leaky()[:200]])
def test_what_is_no_model_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="TFLite"):
        with_prelu(data)
    with pytest.raises(EngineError, match="own is not a model that LiteRT can run"):
        LiteRtEmbedder(data, EmbedderModel("own", "0" * 64))
