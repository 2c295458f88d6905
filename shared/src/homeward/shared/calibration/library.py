"""Where calibrations are kept: those shipped with the package, and the operator's own in a folder."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from homeward.shared.calibration.calibration import Calibration


class CalibrationError(Exception):
    """A file is no calibration, or two speak of one model; the text names the file."""


def read_calibration(path: Path) -> Calibration:
    """Return the calibration in `path`; raise CalibrationError."""
    try:
        return Calibration.model_validate_json(path.read_bytes())
    except OSError as error:
        raise CalibrationError(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise CalibrationError(f"{path} is no calibration: {error.errors()[0]['msg']}") from error


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Write a calibration that `read_calibration` reads again; raise CalibrationError."""
    document: dict[str, Any] = calibration.model_dump(mode="json")
    try:
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise CalibrationError(f"{path} cannot be written: {error.strerror}") from error


class Calibrations:
    """Calibrations by the embedder's SHA-256. An operator's own takes the place of the shipped one."""

    def __init__(self, known: dict[str, Calibration]) -> None:
        self._known = known

    @classmethod
    def load(cls, folder: Path | None = None) -> "Calibrations":
        """Return the shipped calibrations and those of `folder`, its files `*.json`; raise CalibrationError."""
        shipped = resources.files(__package__).joinpath("shipped")
        found = [Calibration.model_validate_json(file.read_bytes()) for file in shipped.iterdir()]
        known = {one.sha256: one for one in found}
        if folder is not None:
            if not folder.is_dir():
                raise CalibrationError(f"{folder} is no folder of calibrations")
            own: dict[str, Calibration] = {}
            for path in sorted(folder.glob("*.json")):
                one = read_calibration(path)
                if one.sha256 in own:
                    raise CalibrationError(f"{path} is a second calibration of {one.model}")
                own[one.sha256] = one
            known |= own
        return cls(known)

    def of(self, sha256: str) -> Calibration | None:
        """Return the calibration of the embedder whose file has `sha256`; with None no score of it means anything."""
        return self._known.get(sha256)
