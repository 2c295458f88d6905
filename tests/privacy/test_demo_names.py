"""Invariant 6 in the demo itself: who plays in it is named nowhere that it leaves, the broker's log included."""

import subprocess
import sys
from pathlib import Path

import pytest

from homeward.cli.demo.portraits import PHOTOS
from support.models import model_folder
from support.traces import files_below, name_needles, search

SURNAMES = ("Obama", "Biden", "Collins", "Hopper")
"""Of those in the photos; their files in the packages are called by them."""


def test_the_names_looked_for_are_those_of_the_photos() -> None:
    members = " ".join(photo.member for photo in PHOTOS).lower()
    assert all(name.lower() in members for name in SURNAMES if name != "Collins")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_demo_leaves_no_name_in_its_data(tmp_path: Path) -> None:
    homeward, kept, out = Path(sys.executable).with_name("homeward"), tmp_path / "kept", tmp_path / "out"
    command: list[str | Path] = [homeward, "demo", "--keep", kept, "--models", model_folder(), "--out", out]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=540)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "0 · 1 · 0" in ended.stdout
    assert {path.name for path in out.iterdir()} == {"contact-sheet.html", "contact-sheet.png"}
    assert search(files_below(kept), name_needles(SURNAMES)) == []
