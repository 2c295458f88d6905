"""homeward authorise: open a search, give it its second signature, stop it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from homeward.cli.authorising import DemoAuthority, Issued, UnknownAuthorisationError
from homeward.cli.console import console, fail
from homeward.cli.context import Context
from homeward.cli.eventlog import EventLog
from homeward.cli.identities import DemoIdentities, NoDemoIdentitiesError
from homeward.cli.options import DEFAULT_DATA_FOLDER, DataFolder, load_context
from homeward.cli.registry import unknown_cameras
from homeward.shared.authorisation import AuthorisationDeniedError, KeyFileError, Purpose
from homeward.shared.clock import SystemClock
from homeward.shared.objectstore.minio_store import MinioStore
from homeward.shared.objectstore.port import ObjectStoreError
from homeward.shared.runtime.producer import DeliveryError, EventProducer
from homeward.shared.topics import AUTHORISATIONS
from homeward.shared.vision.photo import MAX_FILE_BYTES, PhotoError
from homewardapi.authorisation.v1.authorisation_pb2 import Authorisation

app = typer.Typer(
    no_args_is_help=True,
    help="Open a search for one person, with the two demo identities of this data folder: one asks, one approves.",
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
    urgent_hours: Annotated[float, typer.Option(help="How long one signature carries it, 24 at the most.")] = 1.0,
    data: DataFolder = DEFAULT_DATA_FOLDER,
) -> None:
    """Open a search and print its id; `homeward search ID` follows it."""
    now = SystemClock().now()
    lifetime = timedelta(hours=hours)
    context = load_context(data)
    if unknown := unknown_cameras(EventLog(context.kafka), camera):
        # Nobody would be found there, and that must never be read as "not there".
        fail(f"nothing is recorded by {', '.join(unknown)}; `homeward cameras list` shows the cameras there are")
    with _authority(context) as authority:
        issued = authority.authorise(
            [_read(path, position) for position, path in enumerate(photos, start=1)],
            camera_ids=camera,
            starts_at=now - timedelta(hours=24) if since is None else since.replace(tzinfo=UTC),
            ends_at=now + lifetime if until is None else until.replace(tzinfo=UTC),
            purpose=purpose,
            lifetime=lifetime,
            urgent=urgent,
            urgent_for=timedelta(hours=urgent_hours),
        )
    _tell(issued)


@app.command()
def confirm(
    authorisation_id: Annotated[str, typer.Argument(help="The urgent search.")],
    hours: Annotated[float, typer.Option(help="How long it lasts from now, 72 at the most.")] = 24.0,
    data: DataFolder = DEFAULT_DATA_FOLDER,
) -> None:
    """Give an urgent search its second signature."""
    with _authority(load_context(data)) as authority:
        issued = authority.confirm(authorisation_id, lifetime=timedelta(hours=hours))
    _tell(issued)


@app.command()
def stop(
    authorisation_id: Annotated[str, typer.Argument(help="The search to stop.")],
    data: DataFolder = DEFAULT_DATA_FOLDER,
) -> None:
    """Stop a search now; its photos and templates are wiped."""
    with _authority(load_context(data)) as authority:
        authority.stop(authorisation_id)
    console.print(f"{authorisation_id} is closed; its photos and templates are being wiped.")


def open_authority(context: Context, producer: EventProducer) -> DemoAuthority:
    """Return the demo authority of a running Homeward.

    Raises NoDemoIdentitiesError where no demo made its identities, KeyFileError when they are not fit to be used.
    """
    log = EventLog(context.kafka)

    def states() -> dict[str, Authorisation]:
        found = log.state(AUTHORISATIONS).items()
        return {key: event.message for key, event in found if isinstance(event.message, Authorisation)}

    identities = DemoIdentities.load(context.keys_folder)
    return DemoAuthority(identities, MinioStore(context.object_store), producer, states, SystemClock())


@contextmanager
def _authority(context: Context) -> Iterator[DemoAuthority]:
    producer = EventProducer(context.kafka, client_id="homeward-authorise")
    try:
        yield open_authority(context, producer)
    except AuthorisationDeniedError as error:
        fail(f"denied: {error.denial.reason}")
    except (NoDemoIdentitiesError, KeyFileError, PhotoError, UnknownAuthorisationError) as error:
        fail(str(error))
    except (ObjectStoreError, DeliveryError) as error:
        fail(f"Homeward does not answer ({error}); is `homeward up` running?")
    finally:
        producer.close()


def _read(path: Path, position: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise PhotoError(f"photo {position} cannot be read: {error.strerror}") from error


def _tell(issued: Issued) -> None:
    console.print(f"[bold]{issued.authorisation_id}[/] is open until {issued.expires_at:%Y-%m-%d %H:%M:%S} UTC.")
    if issued.urgent:
        console.print(f"One signature carries it until then: homeward authorise confirm {issued.authorisation_id}")
    console.print(f"Follow it: homeward search {issued.authorisation_id}", highlight=False)
