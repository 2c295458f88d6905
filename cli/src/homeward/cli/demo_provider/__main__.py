"""`python -m homeward.cli.demo_provider --data FOLDER`, as `homeward up` and `homeward demo` start it."""

import argparse
import sys
from pathlib import Path

from aiohttp import web

from homeward.cli.demo_provider.app import DemoProviderApp
from homeward.cli.demo_provider.issuer import DemoIssuer
from homeward.cli.demo_provider.place import DemoPlace, NoDemoError
from homeward.cli.embedded.ports import LOOPBACK
from homeward.cli.stack.folder import DataFolder
from homeward.shared.authorisation import KeyFileError
from homeward.shared.clock import SystemClock


def main() -> int:
    """Serve until a signal; return the exit status."""
    parser = argparse.ArgumentParser(prog="homeward.cli.demo_provider", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the data folder of the demo system")
    folder = DataFolder(parser.parse_args().data)
    try:
        place = DemoPlace.load(folder)
        issuer = DemoIssuer.load(place, folder.keys)
    except (NoDemoError, KeyFileError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    # There is no setting for the address: nobody can have it listen to others by mistake.
    web.run_app(
        DemoProviderApp(issuer, SystemClock()).build(), host=LOOPBACK, port=place.port, print=None, access_log=None
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
