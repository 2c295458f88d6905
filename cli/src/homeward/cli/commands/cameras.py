"""homeward cameras: add, list and remove."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table

from homeward.cli.camera import InvalidCameraError, camera_changed, camera_removed
from homeward.cli.console import console, fail
from homeward.cli.context import Context
from homeward.cli.eventlog import EventLog
from homeward.cli.options import DEFAULT_DATA_FOLDER, DataFolder, load_context
from homeward.shared.clock import SystemClock
from homeward.shared.events import Event
from homeward.shared.instants import from_duration
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.topics import CAMERAS
from homewardapi.camera.v1.camera_pb2 import Camera

app = typer.Typer(no_args_is_help=True, help="Add, list and remove the cameras that are recorded.")


@app.command()
def add(
    camera_id: Annotated[str, typer.Argument(help="A name of your choice: lower-case letters, digits and hyphens.")],
    source: Annotated[str, typer.Argument(help="rtsp://, rtsps://, http:// or https:// URL, or a video file.")],
    name: Annotated[str | None, typer.Option(help="What operators call the camera.")] = None,
    clip_seconds: Annotated[float, typer.Option(help="Wanted length of a clip, 2 to 60 s.")] = 10.0,
    credentials: Annotated[str | None, typer.Option(help="Name of the secret that holds user and password.")] = None,
    starts_at: Annotated[
        datetime | None, typer.Option(help="For a file: when its first frame was taken, in UTC.")
    ] = None,
    live: Annotated[bool, typer.Option(help="For a file: read it at its own pace, as a camera would send it.")] = False,
    data: DataFolder = DEFAULT_DATA_FOLDER,
) -> None:
    """Record a camera from now on, or import a file of footage at its own time."""
    context = load_context(data)
    try:
        event = camera_changed(
            camera_id,
            source,
            SystemClock().now(),
            display_name=name,
            clip_length=timedelta(seconds=clip_seconds),
            credentials_ref=credentials,
            starts_at=None if starts_at is None else starts_at.replace(tzinfo=UTC),
            live=live,
        )
    except InvalidCameraError as error:
        fail(str(error))
    _publish(context, event)
    console.print(f"{camera_id} will be recorded.")


@app.command("list")
def list_cameras(data: DataFolder = DEFAULT_DATA_FOLDER) -> None:
    """Show the cameras that are recorded."""
    table = Table("camera", "name", "source", "clip", "recorded")
    for event in sorted(EventLog(load_context(data).kafka).state(CAMERAS).values(), key=lambda event: event.key):
        camera = event.message
        if isinstance(camera, Camera):
            seconds = from_duration(camera.clip_length).total_seconds()
            table.add_row(
                camera.camera_id,
                camera.display_name,
                camera.source.url,
                f"{seconds:g} s",
                "yes" if camera.enabled else "no",
            )
    if not table.rows:
        console.print("No camera yet. Add one with: homeward cameras add north-gate rtsp://...")
        return
    console.print(table)


@app.command()
def remove(
    camera_id: Annotated[str, typer.Argument(help="The camera's id.")],
    data: DataFolder = DEFAULT_DATA_FOLDER,
) -> None:
    """Stop recording a camera. Its footage stays until its time is over."""
    context = load_context(data)
    if camera_id not in EventLog(context.kafka).state(CAMERAS):
        fail(f"there is no camera {camera_id}; `homeward cameras list` shows those there are")
    _publish(context, camera_removed(camera_id, SystemClock().now()))
    console.print(f"{camera_id} is no longer recorded.")


def _publish(context: Context, event: Event) -> None:
    producer = EventProducer(context.kafka)
    try:
        producer.send([event])
    finally:
        producer.close()
