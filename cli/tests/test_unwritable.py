"""A folder that takes nothing is told in a sentence, before anything is fetched or started."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from homeward.cli.__main__ import app
from homeward.cli.embedded.process import ProcessError
from homeward.cli.stack.stack import Stack


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.touch()
    return path


def test_the_demo_names_the_folder_of_its_contact_sheet(file: Path) -> None:
    told = CliRunner().invoke(app, ["demo", "--out", str(file)])
    assert told.exit_code == 1
    assert f"{file} cannot be written" in told.stderr


@pytest.mark.parametrize("words", [["demo", "--out", "OUT"], ["up", "--data", "DATA"]], ids=lambda words: words[0])
def test_the_folder_of_the_models_is_named(file: Path, tmp_path: Path, words: list[str]) -> None:
    told = CliRunner().invoke(app, [*words[:-1], str(tmp_path / words[-1]), "--models", str(file / "models")])
    assert told.exit_code == 1
    assert f"{file / 'models'} cannot be written" in told.stderr


def test_the_data_folder_is_named(file: Path) -> None:
    with pytest.raises(ProcessError, match=f"no data can be kept in {file}: "):
        Stack(file, file.parent).start()
