"""homeward cameras: add, change, switch, remove, list and show."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToDict
from rich.table import Table

from homeward.cli.camera import (
    InvalidCameraError,
    Transport,
    Wish,
    camera_event,
    camera_removed,
    changed_camera,
    new_camera,
)
from homeward.cli.commands import camera_options as options
from homeward.cli.commands.camera_import import import_folder
from homeward.cli.commands.camera_onvif import discover, probe
from homeward.cli.commands.camera_reports import coverage, gaps, status
from homeward.cli.console import console, fail
from homeward.cli.context import Context
from homeward.cli.eventlog import EventLog
from homeward.cli.options import DEFAULT_DATA_FOLDER, DataFolder, load_context
from homeward.cli.registry import camera_of, cameras_of, publish
from homeward.cli.spans import format_span
from homeward.cli.weekly import format_schedule
from homeward.shared.clock import SystemClock
from homeward.shared.instants import from_duration
from homewardapi.camera.v1.camera_pb2 import Camera

app = typer.Typer(no_args_is_help=True, help="The cameras that are recorded, and what became of their time.")
app.command()(status)
app.command()(coverage)
app.command()(gaps)
app.command()(discover)
app.command()(probe)
app.command("import")(import_folder)

TransportOption = Annotated[
    Transport | None, typer.Option(help="For rtsp://: how packets travel; tcp loses none and is the default.")
]


@app.command()
def add(
    camera_id: options.NewCameraId,
    source: Annotated[str, typer.Argument(help="rtsp://, rtsps://, http:// or https:// URL, or a file or folder.")],
    name: options.Name = None,
    clip: options.Clip = None,
    credentials: options.Credentials = None,
    retention: options.Retention = None,
    schedule: options.ScheduleText = None,
    time_zone: options.TimeZone = None,
    audio: options.Audio = None,
    transport: TransportOption = None,
    starts_at: options.StartsAt = None,
    live: options.Live = None,
    name_pattern: options.NamePattern = None,
    disabled: Annotated[bool, typer.Option("--disabled", help="Add it switched off.")] = False,
    data: DataFolder = DEFAULT_DATA_FOLDER,
) -> None:
    """Record a camera from now on, or import a file of footage at its own time."""
    with _refusals():
        wish = Wish(
            source,
            display_name=name,
            credentials_ref=options.credentials_said(credentials),
            clip_length=options.span_said(clip),
            retention=options.retention_said(retention),
            schedule=options.schedule_said(schedule, time_zone),
            audio=audio,
            transport=transport,
            starts_at=options.instant_said(starts_at),
            live=live,
            name_pattern=name_pattern,
            time_zone=None if schedule is not None else time_zone,
            enabled=not disabled,
        )
        camera = new_camera(camera_id, wish, SystemClock().now())
    context = load_context(data)
    if camera_id in cameras_of(EventLog(context.kafka)):
        fail(f"there is a camera {camera_id} already; `homeward cameras change {camera_id}` changes it")
    publish(context, camera_event(camera))
    console.print(f"{camera_id} will be recorded." if camera.enabled else f"{camera_id} is there, switched off.")
    console.print("homeward cameras status tells how it goes, within a minute.", highlight=False)


@app.command()
def change(
    camera_id: options.CameraId,
    source: Annotated[str | None, typer.Option(help="Another URL, or file or folder.")] = None,
    name: options.Name = None,
    clip: options.Clip = None,
    credentials: options.Credentials = None,
    retention: options.Retention = None,
    schedule: options.ScheduleText = None,
    time_zone: options.TimeZone = None,
    audio: options.Audio = None,
    transport: TransportOption = None,
    starts_at: options.StartsAt = None,
    live: options.Live = None,
    name_pattern: options.NamePattern = None,
    data: DataFolder = DEFAULT_DATA_FOLDER,
) -> None:
    """Change what is named of a camera, and nothing else."""
    with _refusals():
        wish = Wish(
            source,
            display_name=name,
            credentials_ref=options.credentials_said(credentials),
            clip_length=options.span_said(clip),
            retention=options.retention_said(retention),
            schedule=options.schedule_said(schedule, time_zone),
            audio=audio,
            transport=transport,
            starts_at=options.instant_said(starts_at),
            live=live,
            name_pattern=name_pattern,
            time_zone=None if schedule is not None else time_zone,
        )
    if wish == Wish():
        fail("nothing to change is named; `homeward cameras change --help` lists what there is")
    _change(load_context(data), camera_id, wish)
    console.print(f"{camera_id} is changed.")


@app.command()
def enable(camera_id: options.CameraId, data: DataFolder = DEFAULT_DATA_FOLDER) -> None:
    """Record a camera that was switched off."""
    _change(load_context(data), camera_id, Wish(enabled=True))
    console.print(f"{camera_id} will be recorded.")


@app.command()
def disable(camera_id: options.CameraId, data: DataFolder = DEFAULT_DATA_FOLDER) -> None:
    """Switch a camera off; its time is told as a gap with the cause `disabled`."""
    _change(load_context(data), camera_id, Wish(enabled=False))
    console.print(f"{camera_id} is switched off.")


@app.command("list")
def list_cameras(
    lines: Annotated[bool, typer.Option("--json", help="One JSON object a line, for another program.")] = False,
    data: DataFolder = DEFAULT_DATA_FOLDER,
) -> None:
    """Show the cameras there are."""
    cameras = cameras_of(EventLog(load_context(data).kafka))
    if lines:
        for _, camera in sorted(cameras.items()):
            sys.stdout.write(json.dumps(MessageToDict(camera, preserving_proto_field_name=True)) + "\n")
        return
    if not cameras:
        console.print("No camera yet. Add one with: homeward cameras add north-gate rtsp://...")
        return
    table = Table("camera", "name", "source", "clip", "kept", "recorded")
    for _, camera in sorted(cameras.items()):
        shown = described(camera)
        table.add_row(*(shown[name] for name in ("camera", "name", "source", "clip", "kept", "recorded")))
    console.print(table)


@app.command()
def show(camera_id: options.CameraId, data: DataFolder = DEFAULT_DATA_FOLDER) -> None:
    """Show everything that is said of a camera."""
    table = Table(show_header=False)
    for what, said in described(_known(load_context(data), camera_id)).items():
        if said:
            table.add_row(what, said)
    console.print(table)


@app.command()
def remove(
    camera_id: options.CameraId,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data: DataFolder = DEFAULT_DATA_FOLDER,
) -> None:
    """Stop recording a camera for good. Its footage stays until its time is over."""
    context = load_context(data)
    _known(context, camera_id)
    if not yes and not typer.confirm(
        f"Stop recording {camera_id} for good? Its footage stays until its time is over. "
        f"(`homeward cameras disable {camera_id}` switches it off for a while.)"
    ):
        fail(f"{camera_id} is left as it is")
    publish(context, camera_removed(camera_id, SystemClock().now()))
    console.print(f"{camera_id} is no longer recorded.")


def described(camera: Camera) -> dict[str, str]:
    """Return what is said of a camera, in words; empty where nothing is."""
    source = camera.source
    schedule = camera.optional_schedule
    kept = format_span(from_duration(camera.optional_retention)) if camera.HasField("optional_retention") else "30 d"
    by_schedule = f"{format_schedule(schedule)} ({schedule.time_zone})" if schedule.time_zone else "always"
    places = []
    if source.HasField("optional_folder"):
        folder = source.optional_folder
        places = [folder.optional_name_pattern or "creation time", folder.optional_time_zone or "UTC"]
    return {
        "camera": camera.camera_id,
        "name": camera.display_name,
        "source": source.url,
        "credentials": source.optional_credentials_ref,
        "transport": ["", "tcp", "udp"][source.optional_transport],
        "sound": "recorded" if source.audio else "not recorded",
        "files' times": ", ".join(places),
        "clip": format_span(from_duration(camera.clip_length)),
        "kept": kept,
        "recorded": by_schedule if camera.enabled else "no, switched off",
    }


def _known(context: Context, camera_id: str) -> Camera:
    camera = camera_of(EventLog(context.kafka), camera_id)
    if camera is None:
        fail(f"there is no camera {camera_id}; `homeward cameras list` shows those there are")
    return camera


def _change(context: Context, camera_id: str, wish: Wish) -> None:
    camera = _known(context, camera_id)
    with _refusals():
        changed = changed_camera(camera, wish, SystemClock().now())
    publish(context, camera_event(changed))


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except InvalidCameraError as error:
        fail(str(error))
