from contextlib import suppress

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.detection.adapters.onnx_sizes import with_any_size
from support.tiny_onnx import halves


def _shape(model: bytes) -> list[object]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return list(session.get_inputs()[0].shape)


def test_a_model_of_one_size_takes_any() -> None:
    model = halves(batch=1)
    assert _shape(model) == [1, 3, 112, 112]
    assert _shape(with_any_size(model)) == [1, 3, "height", "width"]


def test_the_answers_stay_the_same() -> None:
    model = halves(batch=1)
    picture = np.random.default_rng(1).random((1, 3, 112, 112), dtype=np.float32)
    before, after = (
        onnxruntime.InferenceSession(one, providers=["CPUExecutionProvider"]).run(None, {"faces": picture})[0]
        for one in (model, with_any_size(model))
    )
    assert np.array_equal(before, after)


def test_a_file_that_breaks_off_is_refused() -> None:
    with pytest.raises(ValueError, match="ONNX"):
        with_any_size(halves(batch=1)[:-7])


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_what_is_no_model_is_refused_or_harmless(data: bytes) -> None:
    with suppress(ValueError):
        assert isinstance(with_any_size(data), bytes)
