"""`python -m homeward.access run` and `check-config`."""

import argparse
import sys

from pydantic import ValidationError

from homeward.access.bootstrap import run
from homeward.access.settings import AccessSettings
from homeward.shared.authorisation import KeyFileError
from homeward.shared.settings import PeerTlsError, UnknownSettingError, variables


def main() -> int:
    """Run the command of the line; return its exit status."""
    parser = argparse.ArgumentParser(prog="homeward.access", description=__doc__)
    parser.add_argument("command", choices=["run", "check-config"])
    command = parser.parse_args().command
    try:
        settings = AccessSettings.load()
        if command == "run":
            return run(settings)
    except (UnknownSettingError, ValidationError, KeyFileError, PeerTlsError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for name, description in variables(AccessSettings).items():
        sys.stdout.write(f"{name}: {description}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
