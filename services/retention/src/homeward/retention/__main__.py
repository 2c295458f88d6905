"""`python -m homeward.retention run` and `check-config`."""

import argparse
import sys

from pydantic import ValidationError

from homeward.retention.bootstrap import run
from homeward.retention.settings import RetentionSettings
from homeward.shared.authorisation import KeyFileError
from homeward.shared.settings import PeerTlsError, UnknownSettingError, variables


def main() -> int:
    """Run the command of the line; return its exit status."""
    parser = argparse.ArgumentParser(prog="homeward.retention", description=__doc__)
    parser.add_argument("command", choices=["run", "check-config"])
    command = parser.parse_args().command
    try:
        settings = RetentionSettings.load()
        if command == "run":
            return run(settings)
    except (UnknownSettingError, ValidationError, KeyFileError, PeerTlsError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for name, description in variables(RetentionSettings).items():
        sys.stdout.write(f"{name}: {description}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
