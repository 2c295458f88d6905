"""How much a score is worth: by embedder, and by how wide the face was that a camera saw."""

from homeward.shared.calibration.calibration import Band, Calibration, Support
from homeward.shared.calibration.library import CalibrationError, Calibrations, read_calibration, write_calibration

__all__ = [
    "Band",
    "Calibration",
    "CalibrationError",
    "Calibrations",
    "Support",
    "read_calibration",
    "write_calibration",
]
