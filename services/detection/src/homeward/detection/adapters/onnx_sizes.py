"""ONNX models that were exported for one size of picture, made to take any size.

YuNet and CenterFace are convolutions alone, so their weights fit every size; only the declared shape says otherwise,
and onnxruntime holds a model to it. The shapes stand in three fields of the file, which is Protobuf, and nothing else
of it is touched. https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from collections.abc import Callable, Iterator
from typing import Final

_MODEL_GRAPH: Final = 7
_GRAPH_INITIALIZER: Final = 5
_TENSOR_NAME: Final = 8
_VALUE_NAME: Final = 1
_GRAPH_INPUT: Final = 11
_GRAPH_OUTPUT: Final = 12
_GRAPH_VALUE_INFO: Final = 13
_VALUE_TYPE: Final = 2
_TYPE_TENSOR: Final = 1
_TENSOR_SHAPE: Final = 2
_SHAPE_DIMENSION: Final = 1
_DIMENSION_VALUE: Final = 1
_DIMENSION_NAME: Final = 2

_VARINT: Final = 0
_EIGHT_BYTES: Final = 1
_BLOCK: Final = 2
_FOUR_BYTES: Final = 5

Rewrite = Callable[[bytes], bytes]


def with_any_size(model: bytes) -> bytes:
    """Return the ONNX file `model` with an input of 1x3xHxW of any H and W; raise ValueError when it is no such file.

    What is declared of the shapes of outputs and of what lies between is left out: it followed from the input's.
    """
    return _edit(model, {_MODEL_GRAPH: _graph})


def _graph(graph: bytes) -> bytes:
    # Older files name each weight among the inputs as well; weights keep their shapes.
    weights = {_text(body, _TENSOR_NAME) for number, _, _, body in _fields(graph) if number == _GRAPH_INITIALIZER}

    def free(value: bytes) -> bytes:
        return value if _text(value, _VALUE_NAME) in weights else _with_shape(value, _picture_shape)

    return _edit(
        graph,
        {_GRAPH_INPUT: free, _GRAPH_OUTPUT: lambda value: _with_shape(value, None), _GRAPH_VALUE_INFO: None},
    )


def _picture_shape(_: bytes) -> bytes:
    """Return the shape 1 x 3 x height x width, the last two by name."""
    sides = [_number(_DIMENSION_VALUE, 1), _number(_DIMENSION_VALUE, 3)]
    sides += [_field(_DIMENSION_NAME, b"height"), _field(_DIMENSION_NAME, b"width")]
    return b"".join(_field(_SHAPE_DIMENSION, side) for side in sides)


def _with_shape(value: bytes, shape: Rewrite | None) -> bytes:
    def tensor(body: bytes) -> bytes:
        return _edit(body, {_TENSOR_SHAPE: shape})

    def kind(body: bytes) -> bytes:
        return _edit(body, {_TYPE_TENSOR: tensor})

    return _edit(value, {_VALUE_TYPE: kind})


def _text(message: bytes, wanted: int) -> bytes:
    return next((body for number, _, _, body in _fields(message) if number == wanted), b"")


def _edit(message: bytes, rewrites: dict[int, Rewrite | None]) -> bytes:
    """Return `message` with the blocks of some fields rewritten, or left out where there is None."""
    parts = []
    for number, kind, whole, body in _fields(message):
        if kind != _BLOCK or number not in rewrites:
            parts.append(whole)
        elif (rewrite := rewrites[number]) is not None:
            parts.append(_field(number, rewrite(body)))
    return b"".join(parts)


def _fields(message: bytes) -> Iterator[tuple[int, int, bytes, bytes]]:
    """Yield number, wire type, all bytes and the bytes within of each field."""
    at = 0
    while at < len(message):
        begun = at
        key, at = _read_varint(message, at)
        kind = key & 7
        if kind == _BLOCK:
            length, start = _read_varint(message, at)
            at = start + length
        elif kind == _VARINT:
            start = at
            _, at = _read_varint(message, at)
        elif kind in {_EIGHT_BYTES, _FOUR_BYTES}:
            start = at
            at += 8 if kind == _EIGHT_BYTES else 4
        else:
            raise ValueError("not an ONNX file")
        if at > len(message):
            raise ValueError("not a whole ONNX file")
        yield key >> 3, kind, message[begun:at], message[start:at]


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message):
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:  # noqa: PLR2004 - the bit that says that more follows
            return value, at
    raise ValueError("not a whole ONNX file")


def _field(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | _BLOCK) + _varint(len(body)) + body


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - seven bits a byte
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
