"""`python -m homeward.ingest run` records cameras; `check-config` reads the settings and lists those there are."""

import sys

from homeward.ingest import bootstrap
from homeward.ingest.settings import IngestSettings
from homeward.shared.settings import variables


def main(arguments: list[str]) -> int:
    """Run the command; return the exit status."""
    if arguments == ["run"]:
        return bootstrap.run(IngestSettings.load())
    if arguments == ["check-config"]:
        for name, description in variables(IngestSettings).items():
            sys.stdout.write(f"{name}  {description}\n")
        IngestSettings.load()
        return 0
    sys.stderr.write("usage: python -m homeward.ingest run | check-config\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
