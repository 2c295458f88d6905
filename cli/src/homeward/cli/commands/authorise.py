"""homeward authorise: open a search by way of access, give it its second signature, stop it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from homeward.cli.access_api import AccessAwayError, AccessRefusedError
from homeward.cli.console import console, fail
from homeward.cli.context import Context
from homeward.cli.demo_provider.place import NoDemoError
from homeward.cli.officials import DemoOfficials, NotSearchableError, Opened
from homeward.cli.options import DEFAULT_DATA_FOLDER, DataFolder, load_context
from homeward.shared.authorisation import KeyFileError, Purpose
from homeward.shared.clock import SystemClock
from homeward.shared.vision.photo import MAX_FILE_BYTES

app = typer.Typer(
    no_args_is_help=True,
    help="Open a search for one person by way of access, as two people of the demo: one asks, one agrees.",
)


@app.command()
def start(
    photos: Annotated[list[Path], typer.Argument(help="1 to 5 photos of the one person, JPEG or PNG, one face each.")],
    camera: Annotated[list[str], typer.Option(help="A camera to search; repeat it for more.")],
    purpose: Annotated[Purpose, typer.Option(help="Why. An incident never opens a face search.")] = (
        Purpose.MISSING_PERSON
    ),
    since: Annotated[
        datetime | None, typer.Option(help="First moment of footage, UTC.", show_default="24 h ago")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(help="Last moment of footage, UTC.", show_default="live, to the end")
    ] = None,
    hours: Annotated[float, typer.Option(help="How long the authorisation lasts, 72 at the most.")] = 24.0,
    urgent: Annotated[
        bool, typer.Option("--urgent", help="Begin on one signature; it stops itself unless `confirm` follows in time.")
    ] = False,
    data: DataFolder = DEFAULT_DATA_FOLDER,
) -> None:
    """Open a search and print its id and receipt; `homeward search ID` follows it."""
    now = SystemClock().now()
    with _officials(load_context(data)) as officials:
        opened = officials.authorise(
            [_read(path, position) for position, path in enumerate(photos, start=1)],
            camera_ids=camera,
            starts_at=now - timedelta(hours=24) if since is None else since.replace(tzinfo=UTC),
            ends_at=None if until is None else until.replace(tzinfo=UTC),
            purpose=purpose,
            lifetime=timedelta(hours=hours),
            urgent=urgent,
        )
    _tell(opened)
    console.print(f"The receipt: {opened.reference}, secret {opened.secret}. It is told this once.", highlight=False)


@app.command()
def confirm(
    authorisation_id: Annotated[str, typer.Argument(help="The urgent search.")],
    data: DataFolder = DEFAULT_DATA_FOLDER,
) -> None:
    """Give an urgent search its second signature: it then lasts as long as was asked."""
    with _officials(load_context(data)) as officials:
        opened = officials.confirm(authorisation_id)
    _tell(opened)


@app.command()
def stop(
    authorisation_id: Annotated[str, typer.Argument(help="The search to stop.")],
    data: DataFolder = DEFAULT_DATA_FOLDER,
) -> None:
    """Stop a search now; its photos and templates are wiped."""
    with _officials(load_context(data)) as officials:
        officials.stop(authorisation_id)
    console.print(f"{authorisation_id} is closed; its photos and templates are being wiped.")


@contextmanager
def _officials(context: Context) -> Iterator[DemoOfficials]:
    try:
        with DemoOfficials(context, SystemClock()) as officials:
            yield officials
    except AccessRefusedError as error:
        fail(f"denied: {error.reason}")
    except (NoDemoError, KeyFileError, NotSearchableError) as error:
        fail(str(error))
    except AccessAwayError as error:
        fail(f"Homeward does not answer ({error}); is `homeward up` running?")


def _read(path: Path, position: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        # By its position: people call such files by the name of who is in them.
        fail(f"photo {position} cannot be read: {error.strerror}")


def _tell(opened: Opened) -> None:
    console.print(f"[bold]{opened.authorisation_id}[/] is open until {opened.expires_at:%Y-%m-%d %H:%M:%S} UTC.")
    if opened.urgent:
        console.print(f"One signature carries it until then: homeward authorise confirm {opened.authorisation_id}")
    console.print(f"Follow it: homeward search {opened.authorisation_id}", highlight=False)
