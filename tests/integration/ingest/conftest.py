"""Recorders with real adapters; what they send is kept in memory."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support.studio import Studio


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path)


@pytest.fixture
def new_studio(tmp_path: Path) -> Callable[[str], Studio]:
    def make(name: str) -> Studio:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        return Studio(folder)

    return make
