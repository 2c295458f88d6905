import struct

import pytest

from homeward.shared.models.mediapipe_metadata import MetadataError, with_normalisation


def uint(data: bytes, at: int) -> int:
    value: int = struct.unpack_from("<I", data, at)[0]
    return value


def follow(data: bytes, at: int) -> int:
    return at + uint(data, at)


def field(data: bytes, table: int, slot: int) -> int | None:
    offsets = table - struct.unpack_from("<i", data, table)[0]
    if 4 + 2 * slot >= struct.unpack_from("<H", data, offsets)[0]:
        return None
    place = struct.unpack_from("<H", data, offsets + 4 + 2 * slot)[0]
    return table + place if place else None


def child(data: bytes, table: int, *slots: int) -> int:
    for slot in slots:
        at = field(data, table, slot)
        assert at is not None
        table = follow(data, at)
    return table


def vector(data: bytes, at: int) -> list[int]:
    return [follow(data, at + 4 + 4 * index) for index in range(uint(data, at))]


def model(payload: bytes = b"weights!" * 4, empties: int = 1) -> bytes:
    """Return the smallest file with a model's shape: a version, and buffers of which the last holds `payload`."""
    out = bytearray(struct.pack("<I4s", 24, b"TFL3"))
    out += struct.pack("<8H", 14, 12, 4, 0, 0, 0, 8, 0)  # the root's slots: version at 4, buffers at 8
    out += struct.pack("<iI", 16, 3) + struct.pack("<I", 4)  # the root; buffers follow it
    out += struct.pack("<I", empties + 1) + bytes(4 * (empties + 1))
    empty = len(out) + 4
    out += struct.pack("<HHi", 4, 4, 4)
    full = len(out) + 8
    out += struct.pack("<HHHHiI", 6, 8, 4, 0, 8, 0)
    out += bytes(-(len(out) + 4) % 16)
    struct.pack_into("<I", out, full + 4, len(out) - full - 4)
    out += struct.pack("<I", len(payload)) + payload
    for index, buffer in enumerate([empty] * empties + [full]):
        struct.pack_into("<I", out, 40 + 4 * index, buffer - (40 + 4 * index))
    return bytes(out)


@pytest.mark.parametrize("empties", [1, 2, 3, 4])
def test_what_was_there_is_there_still_and_aligned(empties: int) -> None:
    before = model(empties=empties)
    after = with_normalisation(before)
    root = follow(after, 0)
    assert uint(after, field(after, root, 0) or 0) == 3
    empty, *_, full, added = vector(after, child(after, root, 4))
    assert field(after, empty, 0) is None
    data = child(after, full, 0)
    assert (uint(after, data), after[data + 4 : data + 36]) == (32, b"weights!" * 4)
    assert (data + 4) % 16 == 0
    assert (child(after, added, 0) + 4) % 16 == 0
    assert after.endswith(before[8:])


def test_the_metadata_says_how_the_input_is_normalised() -> None:
    after = with_normalisation(model())
    root = follow(after, 0)
    (entry,) = vector(after, child(after, root, 6))
    name = child(after, entry, 0)
    assert after[name + 4 : name + 4 + uint(after, name)] == b"TFLITE_METADATA"
    at = field(after, entry, 1)
    assert at is not None
    data = child(after, vector(after, child(after, root, 4))[uint(after, at)], 0)
    metadata = after[data + 4 : data + 4 + uint(after, data)]
    assert metadata[4:8] == b"M001"
    (subgraph,) = vector(metadata, child(metadata, follow(metadata, 0), 3))
    (tensor,) = vector(metadata, child(metadata, subgraph, 2))
    (step,) = vector(metadata, child(metadata, tensor, 4))
    options = child(metadata, step, 1)
    for slot in (0, 1):
        values = child(metadata, options, slot)
        assert uint(metadata, values) == 1
        assert struct.unpack_from("<f", metadata, values + 4)[0] == 127.5


def test_the_outcome_depends_on_the_input_alone() -> None:
    assert with_normalisation(model()) == with_normalisation(model())


@pytest.mark.parametrize("data", [b"", b"TFL3", bytes(100), b"\x18\0\0\0TFL3", model()[:30]])
def test_what_is_no_model_is_refused(data: bytes) -> None:
    with pytest.raises(MetadataError):
        with_normalisation(data)


def test_a_model_that_has_metadata_is_refused() -> None:
    with pytest.raises(MetadataError, match="already"):
        with_normalisation(with_normalisation(model()))
