"""homeward certificates: what services prove to each other who they are with."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from homeward.cli.certificates import HOLDERS, make_certificates
from homeward.cli.console import console, fail
from homeward.shared.clock import SystemClock


def certificates(
    folder: Annotated[Path, typer.Argument(help="Where they go: a folder for each service.")],
    days: Annotated[int, typer.Option(min=1, max=825, help="How long they are valid.")] = 365,
) -> None:
    """Make the certificates by which the services speak to each other, for `docker compose` or a cluster's Secrets.

    Each service gets ca.crt, tls.crt and tls.key. The authority's key is kept nowhere: made anew, all of them change.
    """
    try:
        make_certificates(folder, SystemClock(), timedelta(days=days))
    except OSError as error:
        fail(f"{folder} cannot be written: {error.strerror}")
    console.print(f"{folder} holds the certificates of {', '.join(HOLDERS)}, valid for {days} days.", markup=False)
