"""`python -m homeward.embedding calibrate`: an embedder's calibration from pairs of photos."""

import sys
from dataclasses import dataclass
from pathlib import Path

from homeward.embedding.adapters.blazeface_finder import BlazeFaceFinder
from homeward.embedding.bootstrap import FINDER, engine_maker
from homeward.embedding.calibration.fit import fit
from homeward.embedding.calibration.measure import embed_with, measure
from homeward.embedding.calibration.pairs import read_pairs
from homeward.embedding.settings import OnnxSettings
from homeward.shared.calibration import write_calibration
from homeward.shared.models.library import ModelLibrary


@dataclass(frozen=True, slots=True)
class CalibrationAsked:
    """What to calibrate: MobileFaceNet, or the operator's own model where `onnx` names one."""

    pairs: Path
    out: Path
    models: Path
    onnx: OnnxSettings


def calibrate(asked: CalibrationAsked) -> int:
    """Measure, write the file, and return the exit status.

    Raises PairsError, ModelError, EngineError and CalibrationError, whose texts say what to do.
    """
    people = read_pairs(asked.pairs)
    library = ModelLibrary(asked.models)
    embedder = engine_maker(asked.onnx, library)()
    finder = BlazeFaceFinder(library.read(FINDER))

    def told(done: int) -> None:
        sys.stderr.write(f"\r{done} of {len(people)} people")
        sys.stderr.flush()

    scores = measure(people, finder, embed_with(embedder), told)
    sys.stderr.write("\n")
    source = f"{len(people)} people, {sum(len(person.others) for person in people)} photos beside their references"
    write_calibration(fit(embedder.model, scores, source), asked.out)
    sys.stdout.write(f"{asked.out}\n")
    return 0
