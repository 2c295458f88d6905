"""ONNX models of a few bytes, written by hand: what the onnx package would be installed for."""

from collections.abc import Sequence
from typing import Final

_FLOAT: Final = 1
_INT_ATTRIBUTE: Final = 2
_INTS_ATTRIBUTE: Final = 7


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _block(field: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return _varint(field << 3 | 2) + _varint(len(body)) + body


def _value(field: int, name: str, shape: Sequence[int | str]) -> bytes:
    sides = [_block(1, _number(1, side) if isinstance(side, int) else _block(2, side.encode())) for side in shape]
    tensor = _block(1, _number(1, _FLOAT), _block(2, *sides))
    return _block(field, _block(1, name.encode()), _block(2, tensor))


def _node(kind: str, given: str, gives: str, **attributes: int | list[int]) -> bytes:
    told = []
    for name, value in attributes.items():
        if isinstance(value, int):
            told.append(_block(5, _block(1, name.encode()), _number(3, value), _number(20, _INT_ATTRIBUTE)))
        else:
            numbers = b"".join(_number(8, one) for one in value)
            told.append(_block(5, _block(1, name.encode()), numbers, _number(20, _INTS_ATTRIBUTE)))
    return _block(1, _block(1, given.encode()), _block(2, gives.encode()), _block(4, kind.encode()), *told)


def halves(*, batch: int | str = "n", channels_first: bool = True) -> bytes:
    """Return a model whose six outputs are the mean red, green and blue of the left and the right half of a face.

    In order: red left, red right, green left, green right, blue left, blue right. `batch` is fixed when it is a number.
    """
    shape: list[int | str] = [batch, 3, 112, 112] if channels_first else [batch, 112, 112, 3]
    nodes = [] if channels_first else [_node("Transpose", "faces", "turned", perm=[0, 3, 1, 2])]
    nodes += [
        _node(
            "AveragePool",
            "faces" if channels_first else "turned",
            "means",
            kernel_shape=[112, 56],
            strides=[112, 56],
        ),
        _node("Flatten", "means", "rows", axis=1),
    ]
    return _model(nodes, shape, [batch, 6])


def unsuitable() -> bytes:
    """Return a model of 64x64 pictures."""
    return _model([_node("Flatten", "faces", "rows", axis=1)], ["n", 3, 64, 64], ["n", 3 * 64 * 64])


def _model(nodes: Sequence[bytes], given: Sequence[int | str], gives: Sequence[int | str]) -> bytes:
    graph = _block(7, *nodes, _block(2, b"tiny"), _value(11, "faces", given), _value(12, "rows", gives))
    return _number(1, 8) + graph + _block(8, _number(2, 13))
