"""`python -m homeward.access run`, `check-config` and `rotate-keys`."""

import argparse
import sys

from pydantic import ValidationError

from homeward.access.bootstrap import prepare, rotate_keys, run
from homeward.access.cases.policy import PolicyFileError
from homeward.access.database.database import DatabaseAwayError
from homeward.access.database.migrate import SchemaError
from homeward.access.keys.ports import KeyStoreError
from homeward.access.settings import AccessSettings
from homeward.shared.audit import AuditUnavailableError
from homeward.shared.authorisation import KeyFileError
from homeward.shared.settings import PeerTlsError, UnknownSettingError, variables

_WRONG = (UnknownSettingError, ValidationError, KeyFileError, PeerTlsError, PolicyFileError, SchemaError)
_AWAY = (AuditUnavailableError, DatabaseAwayError, KeyStoreError)


def main() -> int:
    """Run the command of the line; return its exit status."""
    parser = argparse.ArgumentParser(prog="homeward.access", description=__doc__)
    parser.add_argument("command", choices=["run", "check-config", "prepare", "rotate-keys"])
    parser.add_argument(
        "--revoke", action="store_true", help="with rotate-keys: no key before counts any more, and every search ends"
    )
    arguments = parser.parse_args()
    command = arguments.command
    try:
        settings = AccessSettings.load()
        if command == "run":
            return run(settings)
        if command == "prepare":
            prepare(settings)
            return 0
        if command == "rotate-keys":
            sys.stdout.write(f"{rotate_keys(settings, revoke=arguments.revoke)}\n")
            return 0
    except _WRONG as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except _AWAY as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for name, description in variables(AccessSettings).items():
        sys.stdout.write(f"{name}: {description}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
