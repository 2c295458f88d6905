"""The published model as it is run: in fewer steps, and to the same templates."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from homeward.embedding.adapters.prelu import with_prelu
from homeward.embedding.bootstrap import EMBEDDER
from homeward.shared.models.library import ModelLibrary


def output(data: bytes, images: NDArray[np.float32]) -> NDArray[np.float32]:
    interpreter = Interpreter(model_content=data, num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], images)
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]), np.float32)


def steps(data: bytes) -> int:
    return schema.Model.GetRootAs(data, 0).Subgraphs(0).OperatorsLength()  # type: ignore[no-any-return]


def test_the_published_model_takes_fewer_steps_to_the_same_templates(library: ModelLibrary) -> None:
    published = library.read(EMBEDDER)
    run = with_prelu(published)
    # 33 leaky rectifiers of five steps each.
    assert steps(published) - steps(run) == 33 * 4
    images = np.random.default_rng(1).uniform(-1, 1, (2, 112, 112, 3)).astype(np.float32)
    assert np.array_equal(output(run, images), output(published, images))
