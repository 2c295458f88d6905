"""`python -m homeward.embedding run` and `check-config`."""

import argparse
import sys

from pydantic import ValidationError

from homeward.embedding.answers import EngineError
from homeward.embedding.bootstrap import run
from homeward.embedding.settings import EmbeddingSettings
from homeward.shared.authorisation import KeyFileError
from homeward.shared.models.errors import ModelError
from homeward.shared.settings import UnknownSettingError, variables


def main() -> int:
    """Run the command of the line; return its exit status."""
    parser = argparse.ArgumentParser(prog="homeward.embedding", description=__doc__)
    parser.add_argument("command", choices=["run", "check-config"])
    command = parser.parse_args().command
    try:
        settings = EmbeddingSettings.load()
        if command == "run":
            return run(settings)
    except (UnknownSettingError, ValidationError, KeyFileError, ModelError, EngineError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for name, description in variables(EmbeddingSettings).items():
        sys.stdout.write(f"{name}: {description}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
