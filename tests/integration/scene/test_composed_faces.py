"""A composed scene is what its truth says: a detector that knows nothing of it finds the faces there."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from homeward.cli.scene.compose import ComposedScene
from homeward.cli.scene.portrait import Box
from homeward.cli.scene.truth import CameraTruth, TimedFace
from homeward.shared.models.library import ModelLibrary
from homeward.shared.vision.blazeface import decode, letterbox
from support.models import model_folder
from support.scenes import compose_people, person_ids

_CLEAR = 0.1
"""A face of which somebody nearer hides more need not be found."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> ComposedScene:
    return compose_people(person_ids()[:5], tmp_path_factory.mktemp("scene"), cameras=1)


@pytest.fixture(scope="module")
def detector() -> Interpreter:
    interpreter = Interpreter(str(ModelLibrary(model_folder()).path("blazeface-full-range")))
    interpreter.allocate_tensors()
    return interpreter


def test_a_detector_finds_every_clear_face_where_the_truth_has_it(scene: ComposedScene, detector: Interpreter) -> None:
    looked = found = 0
    for frame, faces in _key_frames(scene.videos["camera-1"], scene.truth.cameras[0]):
        for face in faces:
            if face.hidden_share > _CLEAR:
                continue
            looked += 1
            found += any(box.iou(face.box) > 0.6 for box in _found_around(detector, frame, face.box))
    assert looked >= 15
    assert found == looked


def test_no_face_is_found_where_nobody_is(scene: ComposedScene, detector: Interpreter) -> None:
    frame, faces = next(_key_frames(scene.videos["camera-1"], scene.truth.cameras[0]))
    assert faces == []
    for left in range(0, 1280 - 360, 230):
        assert _found_around(detector, frame, Box(left + 120, 120, 120, 120)) == []


def _key_frames(video: Path, truth: CameraTruth) -> Iterator[tuple[NDArray[np.uint8], list[TimedFace]]]:
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        stream.codec_context.skip_frame = "NONKEY"
        for frame in container.decode(stream):
            assert frame.time is not None
            at_s = frame.time
            faces = [face for seen in truth.appearances for face in seen.faces if abs(face.at_s - at_s) < 0.01]
            yield np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8), faces


def _found_around(detector: Interpreter, frame: NDArray[np.uint8], box: Box) -> list[Box]:
    """Return the faces found in a square three times as wide as `box` around it."""
    half = round(1.5 * box.width)
    left, top = (max(0, round(middle) - half) for middle in box.centre)
    part, laid = letterbox(np.ascontiguousarray(frame[top : top + 2 * half, left : left + 2 * half]))
    detector.set_tensor(detector.get_input_details()[0]["index"], part)
    detector.invoke()
    answers = [detector.get_tensor(output["index"]) for output in detector.get_output_details()]
    regressors = next(answer for answer in answers if answer.shape[-1] == 16)
    scores = next(answer for answer in answers if answer.shape[-1] == 1)
    return [
        Box(face.left_px + left, face.top_px + top, face.width_px, face.height_px)
        for face in decode(regressors, scores, laid, 0.5)
    ]
