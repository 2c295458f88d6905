"""`python -m homeward.matching run` serves; `check-config` reads the settings and says whether they stand."""

import sys
from collections.abc import Sequence

from pydantic import ValidationError

from homeward.matching.settings import MatchingSettings
from homeward.shared.authorisation import KeyFileError
from homeward.shared.calibration import CalibrationError
from homeward.shared.settings import PeerTlsError, UnknownSettingError, variables


def main(arguments: Sequence[str]) -> int:
    """Run one command; return the exit status: 2 when the command or the settings are wrong."""
    if list(arguments) not in (["run"], ["check-config"]):
        sys.stderr.write("usage: python -m homeward.matching run|check-config\n")
        return 2
    try:
        settings = MatchingSettings.load()
    except (UnknownSettingError, ValidationError) as error:
        sys.stderr.write(f"{error}\nsettings of matching:\n")
        sys.stderr.writelines(f"  {name}: {text}\n" for name, text in variables(MatchingSettings).items())
        return 2
    if list(arguments) == ["check-config"]:
        return 0
    from homeward.matching.bootstrap import run  # noqa: PLC0415 - checking settings needs no client library

    try:
        return run(settings)
    except (KeyFileError, CalibrationError, PeerTlsError) as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
