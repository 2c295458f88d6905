import numpy as np
import pytest

from homeward.embedding.adapters.onnx_embedder import OnnxEmbedder, OnnxInput
from homeward.embedding.answers import EmbedderModel, EngineError
from support import tiny_onnx

MODEL = EmbedderModel("halves", "0" * 64)
PLAIN = OnnxInput(mean=0, scale=255, mirror=False)


def face(left: tuple[int, int, int], right: tuple[int, int, int]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    picture = np.empty((112, 112, 3), np.uint8)
    picture[:, :56], picture[:, 56:] = left, right
    return picture


FACES = np.stack([face((255, 0, 0), (0, 0, 0)), face((0, 0, 255), (0, 255, 0)), face((0, 0, 0), (0, 0, 255))])
ROWS = [[1, 0, 0, 0, 0, 0], [0, 0, 0, 0.5**0.5, 0.5**0.5, 0], [0, 0, 0, 0, 0, 1]]


@pytest.mark.parametrize("channels_first", [True, False])
@pytest.mark.parametrize("batch", ["n", 1, 2, 4])
def test_any_layout_and_any_batch_see_the_same_red_green_and_blue(batch: int | str, *, channels_first: bool) -> None:
    engine = OnnxEmbedder(tiny_onnx.halves(batch=batch, channels_first=channels_first), MODEL, PLAIN)
    assert engine.embed(FACES) == pytest.approx(np.array(ROWS), abs=1e-6)
    assert engine.batch == (None if batch == "n" else batch)
    assert engine.model is MODEL


def test_a_face_and_its_mirror_image_are_averaged() -> None:
    engine = OnnxEmbedder(tiny_onnx.halves(), MODEL, OnnxInput(mean=0, scale=255, mirror=True))
    assert engine.embed(FACES[:1]) == pytest.approx(np.array([[0.5**0.5, 0.5**0.5, 0, 0, 0, 0]]))
    assert OnnxEmbedder(tiny_onnx.halves(batch=4), MODEL).batch == 2


def test_the_normalisation_is_the_operators() -> None:
    engine = OnnxEmbedder(tiny_onnx.halves(), MODEL, OnnxInput(mean=255, scale=1, mirror=False))
    assert engine.embed(face((255, 255, 255), (0, 255, 255))[None])[0] == pytest.approx([0, -1, 0, 0, 0, 0])


@pytest.mark.parametrize("data", [b"", b"not a model", tiny_onnx.unsuitable()])
def test_a_file_that_is_no_such_model_is_refused_at_once(data: bytes) -> None:
    with pytest.raises(EngineError, match="halves"):
        OnnxEmbedder(data, MODEL)


def test_a_provider_that_is_not_there_is_refused_with_what_to_do() -> None:
    with pytest.raises(EngineError, match=r"no CUDAExecutionProvider, only .*install"):
        OnnxEmbedder(tiny_onnx.halves(), MODEL, PLAIN, "CUDAExecutionProvider")
