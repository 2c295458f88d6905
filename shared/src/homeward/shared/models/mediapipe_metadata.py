"""What MediaPipe wants to read inside a BlazeFace file: how its input is normalised.

The published files lack it, and MediaPipe's FaceDetector refuses them. A TFLite file is a FlatBuffer, in which a table
points to its children by offsets that only lead forward and are relative: so a new root, with the metadata beside it,
goes in front of everything, and nothing behind it changes. The outcome depends on the input alone.
"""

import struct
from dataclasses import dataclass, field
from typing import Final

_MEAN: Final = 127.5
_STD: Final = 127.5
_HEADER_BYTES: Final = 8
"""The root's offset and the identifier "TFL3"."""

_ALIGNMENT: Final = 64
"""What stands behind the inserted part keeps the alignment of its tensors, 16 bytes at the most."""

# Slots of the tables, from TensorFlow Lite's schema.fbs.
_MODEL_BUFFERS: Final = 4
_MODEL_METADATA: Final = 6
_MODEL_SLOTS: Final = 8


class MetadataError(ValueError):
    """The file is not a TFLite model, or has metadata already."""


@dataclass(frozen=True, slots=True)
class _Child:
    """A vector of bytes or floats, or a text: its bytes after the count, and the alignment of the first of them."""

    count: int
    data: bytes
    align: int = 4


@dataclass(frozen=True, slots=True)
class _Old:
    """Something of the old file, at its position there."""

    at: int


@dataclass(frozen=True, slots=True)
class _Table:
    """Values by slot: a number, or what the slot points to."""

    slots: "dict[int, int | _Node]" = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Tables:
    """A vector of pointers."""

    nodes: "list[_Node]"


_Node = _Child | _Old | _Table | _Tables


def with_normalisation(model: bytes) -> bytes:
    """Return the TFLite `model` with metadata that says its one input is an RGB image, mean 127.5, deviation 127.5.

    Raises MetadataError unless the bytes are a TFLite model without metadata.
    """
    if model[4:8] != b"TFL3":
        raise MetadataError("the bytes are not a TFLite model")
    try:
        root = _new_root(model)
    except struct.error as error:
        raise MetadataError("the TFLite model is cut short") from error
    length = len(_write(root, gap=0)[0])
    gap = -(-length // _ALIGNMENT) * _ALIGNMENT
    body, at = _write(root, gap=gap)
    return struct.pack("<I", at) + b"TFL3" + body.ljust(gap, b"\0") + model[_HEADER_BYTES:]


def _new_root(model: bytes) -> _Table:
    (root,) = struct.unpack_from("<I", model)
    (back,) = struct.unpack_from("<i", model, root)
    table = root - back
    (size,) = struct.unpack_from("<H", model, table)
    slots: dict[int, int | _Node] = {}
    for slot in range((size - 4) // 2):
        (place,) = struct.unpack_from("<H", model, table + 4 + 2 * slot)
        if place:
            (value,) = struct.unpack_from("<I", model, root + place)
            slots[slot] = value if slot == 0 else _Old(root + place + value)
    buffers = slots.get(_MODEL_BUFFERS)
    if not isinstance(buffers, _Old) or len(slots) > _MODEL_SLOTS:
        raise MetadataError("the bytes are not a TFLite model of a known kind")
    if _MODEL_METADATA in slots:
        raise MetadataError("the TFLite model has metadata already")
    (count,) = struct.unpack_from("<I", model, buffers.at)
    places = [buffers.at + 4 + 4 * index for index in range(count)]
    old: list[_Node] = [_Old(place + struct.unpack_from("<I", model, place)[0]) for place in places]
    metadata = _metadata()
    slots[_MODEL_BUFFERS] = _Tables([*old, _Table({0: _Child(len(metadata), metadata, align=16)})])
    slots[_MODEL_METADATA] = _Tables([_Table({0: _text("TFLITE_METADATA"), 1: count})])
    return _Table(slots)


def _metadata() -> bytes:
    """Return the FlatBuffer of the metadata; slots are those of metadata_schema.fbs."""
    normalisation = _Table({0: _floats(_MEAN), 1: _floats(_STD)})
    step = _Table({0: 1, 1: normalisation})  # 1: the options are those of a normalisation
    image = _Table({0: 2, 1: _Table({0: 1})})  # 2: the content is an image; 1: in RGB
    tensor = _Table({0: _text("image"), 3: image, 4: _Tables([step])})
    subgraph = _Table({2: _Tables([tensor]), 3: _Tables([_Table(), _Table()])})
    body, at = _write(_Table({3: _Tables([subgraph])}), gap=0)
    return struct.pack("<I", at) + b"M001" + body


def _floats(*values: float) -> _Child:
    return _Child(len(values), struct.pack(f"<{len(values)}f", *values))


def _text(text: str) -> _Child:
    return _Child(len(text), text.encode() + b"\0")


class _Writer:
    """Writes tables in front of an old file: parents before their children, what is old `gap` bytes later than it was.

    Positions are those of the new file, in which the first byte written stands at the end of the header.
    """

    def __init__(self, gap: int) -> None:
        self._gap = gap
        self._out = bytearray()

    def written(self) -> bytes:
        """Return what was written, without the header."""
        return bytes(self._out)

    def write(self, node: _Node) -> int:
        """Write `node` and all below it; return its position."""
        match node:
            case _Old():
                return node.at + self._gap
            case _Child():
                return self._write_child(node)
            case _Tables():
                return self._write_vector(node)
            case _Table():
                return self._write_table(node)

    def _here(self) -> int:
        return _HEADER_BYTES + len(self._out)

    def _pad(self, align: int, before: int = 0) -> None:
        self._out.extend(bytes(-(self._here() + before) % align))

    def _point(self, place: int, child: _Node) -> None:
        struct.pack_into("<I", self._out, place - _HEADER_BYTES, self.write(child) - place)

    def _write_child(self, node: _Child) -> int:
        self._pad(max(4, node.align), before=4)
        at = self._here()
        self._out.extend(struct.pack("<I", node.count) + node.data)
        return at

    def _write_vector(self, node: _Tables) -> int:
        self._pad(4)
        at = self._here()
        self._out.extend(struct.pack("<I", len(node.nodes)) + bytes(4 * len(node.nodes)))
        for index, child in enumerate(node.nodes):
            self._point(at + 4 + 4 * index, child)
        return at

    def _write_table(self, node: _Table) -> int:
        order = sorted(node.slots)
        count = max(order, default=-1) + 1
        places = {slot: 4 + 4 * index for index, slot in enumerate(order)}
        self._pad(4)
        offsets = self._here()
        row = [places.get(slot, 0) for slot in range(count)]
        self._out.extend(struct.pack(f"<{2 + count}H", 4 + 2 * count, 4 + 4 * len(order), *row))
        self._pad(4)
        at = self._here()
        self._out.extend(struct.pack("<i", at - offsets) + bytes(4 * len(order)))
        for slot in order:
            value = node.slots[slot]
            if isinstance(value, int):
                struct.pack_into("<I", self._out, at + places[slot] - _HEADER_BYTES, value)
            else:
                self._point(at + places[slot], value)
        return at


def _write(root: _Table, *, gap: int) -> tuple[bytes, int]:
    """Return the bytes of `root` and all below it, and where `root` itself stands."""
    writer = _Writer(gap)
    at = writer.write(root)
    return writer.written(), at
