import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeward.shared.objectstore.exact import ExactStream


@given(st.binary(max_size=200), st.integers(0, 220), st.lists(st.integers(-1, 50), max_size=20))
def test_exactly_what_was_promised_is_read_or_it_is_an_error(data: bytes, promised: int, reads: list[int]) -> None:
    stream = ExactStream(io.BytesIO(data), promised)
    got = bytearray()
    if promised > len(data):
        with pytest.raises(ValueError, match="early"):
            list(iter(lambda: stream.read(7), b""))
    else:
        for size in [*reads, -1]:
            got += stream.read(size)
        assert got == data[:promised]
        assert stream.read() == b""


def test_a_size_is_not_negative() -> None:
    with pytest.raises(ValueError, match="negative"):
        ExactStream(io.BytesIO(), -1)
