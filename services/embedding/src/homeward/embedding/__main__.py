"""`python -m homeward.embedding run`, `check-config` and `calibrate`."""

import argparse
import sys
from pathlib import Path

from pydantic import ValidationError

from homeward.embedding.answers import EngineError
from homeward.embedding.bootstrap import run
from homeward.embedding.calibration.command import CalibrationAsked, calibrate
from homeward.embedding.calibration.pairs import PairsError
from homeward.embedding.settings import EmbeddingSettings, OnnxSettings
from homeward.shared.authorisation import KeyFileError
from homeward.shared.calibration import CalibrationError
from homeward.shared.models.errors import ModelError
from homeward.shared.models.library import default_models_folder
from homeward.shared.settings import PeerTlsError, UnknownSettingError, variables

_KNOWN = (
    UnknownSettingError,
    ValidationError,
    KeyFileError,
    PeerTlsError,
    ModelError,
    EngineError,
    PairsError,
    CalibrationError,
)
"""What an operator can mend: told in a sentence, without a traceback."""


def main() -> int:
    """Run the command of the line; return its exit status."""
    asked = _arguments()
    try:
        if asked.command == "calibrate":
            onnx = OnnxSettings.model_validate_json(asked.onnx)
            return calibrate(CalibrationAsked(asked.pairs, asked.out, asked.models, onnx))
        settings = EmbeddingSettings.load()
        if asked.command == "run":
            return run(settings)
    except _KNOWN as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for name, description in variables(EmbeddingSettings).items():
        sys.stdout.write(f"{name}: {description}\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="homeward.embedding", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run")
    commands.add_parser("check-config")
    measured = commands.add_parser("calibrate")
    measured.add_argument("pairs", type=Path)
    measured.add_argument("out", type=Path)
    measured.add_argument("--models", type=Path, default=default_models_folder())
    measured.add_argument("--onnx", default="{}", help="the settings of HOMEWARD_ONNX as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
