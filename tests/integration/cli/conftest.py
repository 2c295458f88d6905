"""Recorders with real adapters, beside the command."""

from pathlib import Path

import pytest

from support.studio import Studio


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    folder = tmp_path / "studio"
    folder.mkdir()
    return Studio(folder)
