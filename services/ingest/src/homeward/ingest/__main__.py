"""`python -m homeward.ingest run` records cameras; `check-config` reads the settings and lists those there are."""

import sys

from pydantic import ValidationError

from homeward.ingest import bootstrap
from homeward.ingest.settings import IngestSettings
from homeward.shared.settings import UnknownSettingError, variables


def main(arguments: list[str]) -> int:
    """Run the command; return the exit status: 2 when the command or the settings are wrong."""
    if arguments not in (["run"], ["check-config"]):
        sys.stderr.write("usage: python -m homeward.ingest run | check-config\n")
        return 2
    if arguments == ["check-config"]:
        for name, description in variables(IngestSettings).items():
            sys.stdout.write(f"{name}  {description}\n")
    try:
        settings = IngestSettings.load()
    except (UnknownSettingError, ValidationError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return bootstrap.run(settings) if arguments == ["run"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
