"""Recorders with real adapters, beside the command, which prints as in a wide terminal."""

from pathlib import Path

import pytest

from homeward.cli.console import console, errors
from support.studio import Studio


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print alike, whatever the terminal is that the tests run in."""
    for output in (console, errors):
        monkeypatch.setattr(output, "width", 200)


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    folder = tmp_path / "studio"
    folder.mkdir()
    return Studio(folder)
