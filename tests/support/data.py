"""The test data beside the checkout. A test that wants what is not there is skipped with a word that says so."""

import os
from pathlib import Path

import pytest

_DATA = Path(__file__).parents[3] / "shared" / "data"


def data(*parts: str) -> Path:
    """Return a file or folder of the test data, or skip the test; in CI its absence is a failure."""
    path = _DATA.joinpath(*parts)
    if not path.exists():
        missing = f"needs the test data shared/data/{'/'.join(parts)} beside the checkout; it is not there"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return path


def portraits() -> Path:
    """Return the folder of 102 people, two photos each (NNN-neutral.jpg and NNN-smiling.jpg), or skip the test."""
    return data("portraits")


def videos() -> Path:
    """Return the folder of CCTV videos, or skip the test."""
    return data("videos")
