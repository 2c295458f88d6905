"""`homeward models calibrate` as an operator runs it, on photos of a few people and a model of a few bytes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from homeward.shared.calibration import Calibrations
from homeward.shared.models.library import sha256_of
from support import tiny_onnx
from support.data import portraits
from support.models import model_folder


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs")
    for path in sorted(portraits().glob("*.jpg"))[: 2 * 20]:
        shutil.copy(path, folder)
    return folder


def calibrate(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "homeward.cli", "models", "calibrate", *map(str, arguments)]
    return subprocess.run(
        [*command, "--folder", str(model_folder())], check=False, capture_output=True, text=True, timeout=300
    )


def test_an_embedder_of_ones_own_gets_a_calibration_that_matching_finds(pairs: Path, tmp_path: Path) -> None:
    model, folder = tmp_path / "own.onnx", tmp_path / "calibrations"
    folder.mkdir()
    model.write_bytes(tiny_onnx.halves())
    done = calibrate(pairs, folder / "own.json", "--onnx", model, "--name", "own-model", "--no-mirror")
    assert done.returncode == 0, done.stderr
    found = Calibrations.load(folder).of(sha256_of(model))
    assert found is not None
    assert found.model == "own-model"
    assert {band.support.people for band in found.bands} == {20}
    # Six mean colours tell people apart hardly at all, and the calibration says so.
    assert all(band.threshold(1e-3) > 0.9 for band in found.bands)


def test_too_few_people_are_refused_in_a_sentence(tmp_path: Path) -> None:
    done = calibrate(tmp_path, tmp_path / "own.json")
    assert done.returncode == 2
    assert "needs 20 and more" in done.stderr
    assert "Traceback" not in done.stderr
