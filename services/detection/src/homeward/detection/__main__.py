"""`python -m homeward.detection run` and `check-config`."""

import argparse
import sys

from pydantic import ValidationError

from homeward.detection.adapters.offline_thread import OfflineUnavailableError
from homeward.detection.bootstrap import run
from homeward.detection.settings import DetectionSettings
from homeward.shared.models.errors import ModelError
from homeward.shared.settings import UnknownSettingError, variables


def main() -> int:
    """Run the command of the line; return its exit status."""
    parser = argparse.ArgumentParser(prog="homeward.detection", description=__doc__)
    parser.add_argument("command", choices=["run", "check-config"])
    command = parser.parse_args().command
    try:
        settings = DetectionSettings.load()
        if command == "run":
            return run(settings)
    except (UnknownSettingError, ValidationError, ModelError, OfflineUnavailableError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for name, description in variables(DetectionSettings).items():
        sys.stdout.write(f"{name}: {description}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
