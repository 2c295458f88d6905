"""The models, fetched once for all tests."""

from functools import cache
from pathlib import Path

from homeward.shared.models.library import ModelLibrary

_ROOT = Path(__file__).parents[2]


@cache
def model_folder() -> Path:
    """Return a folder that holds every needed model, verified; fetch what is missing through the library.

    It is kept in the checkout's .cache, so that only the first run needs a network. What the test data hold is taken
    from there, since not every network reaches every publisher.
    """
    folder = _ROOT / ".cache" / "models"
    ModelLibrary(folder, offline=[_ROOT.parent / "shared" / "data" / "models"]).fetch()
    return folder
