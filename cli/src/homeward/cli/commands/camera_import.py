"""homeward cameras import: a folder of existing footage, each file at its own time."""

from datetime import UTC
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from homeward.cli.camera import (
    LONGEST_RETENTION,
    InvalidCameraError,
    Wish,
    camera_event,
    changed_camera,
    folder_pattern,
    new_camera,
)
from homeward.cli.commands import camera_options as options
from homeward.cli.console import console, fail
from homeward.cli.context import Context
from homeward.cli.eventlog import EventLog
from homeward.cli.footage_folder import FolderFile, FolderRefusedError, check, listed
from homeward.cli.import_progress import ImportProgress
from homeward.cli.options import DEFAULT_DATA_FOLDER, DataFolder, load_context
from homeward.cli.registry import camera_of, publish
from homeward.cli.spans import format_time
from homeward.cli.tail import KeyTail
from homeward.shared.clock import SystemClock
from homeward.shared.instants import from_duration
from homeward.shared.runtime.replay import LogReader, LogReadError
from homeward.shared.topics import CAMERA_STATUS, CLIPS
from homewardapi.camera.v1.camera_pb2 import Camera

_MEBI: Final = 1 << 20
_POLL_S: Final = 1.0


def import_folder(
    camera_id: options.NewCameraId,
    folder: Annotated[Path, typer.Argument(help="A folder that the recorder sees under the same path.")],
    name_pattern: options.NamePattern = None,
    time_zone: options.TimeZone = None,
    name: options.Name = None,
    clip: options.Clip = None,
    retention: options.Retention = None,
    audio: options.Audio = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the files and their times, and end.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data: DataFolder = DEFAULT_DATA_FOLDER,
) -> None:
    """Import the files of a folder, each at the time that its name or its own creation time tells."""
    now = SystemClock().now()
    if not folder.expanduser().is_dir():
        fail(f"there is no folder {folder}; one file is imported by `homeward cameras add CAMERA FILE --starts-at ...`")
    try:
        wish = Wish(
            str(folder),
            display_name=name,
            clip_length=options.span_said(clip),
            retention=options.retention_said(retention),
            audio=audio,
            name_pattern=name_pattern,
            time_zone=time_zone,
        )
        camera = new_camera(camera_id, wish, now)
        files = listed(folder.expanduser(), folder_pattern(camera.source.optional_folder))
        _show(files)
        kept = camera.optional_retention
        check(files, now, from_duration(kept) if camera.HasField("optional_retention") else LONGEST_RETENTION)
        if dry_run:
            return
        context = load_context(data)
        before = camera_of(EventLog(context.kafka), camera_id)
        if before is not None:
            camera = _again(before, camera, wish)
    except (InvalidCameraError, FolderRefusedError) as error:
        fail(str(error))
    if not yes and not typer.confirm(f"Import these {len(files)} files as {camera_id}?"):
        fail("nothing is imported")
    publish(context, camera_event(camera))
    _follow(context, camera)


def _again(before: Camera, wanted: Camera, wish: Wish) -> Camera:
    """Return the camera of an earlier import of the same folder, to go on with; raise InvalidCameraError for another.

    The footage of one camera never overlaps, so an import has a camera of its own.
    """
    if before.source.url != wanted.source.url:
        raise InvalidCameraError(
            f"there is a camera {before.camera_id} already, with another source; give the import an id of its own"
        )
    return changed_camera(before, wish, wanted.changed_at.ToDatetime(tzinfo=UTC))


def _show(files: list[FolderFile]) -> None:
    table = Table("file", "size", "first frame (UTC)")
    for file in files:
        time = f"[red]{file.refused}[/]" if file.starts_at is None else format_time(file.starts_at)
        table.add_row(file.name, f"{file.size_bytes / _MEBI:.1f} MiB", time)
    console.print(table)


def _follow(context: Context, camera: Camera) -> None:
    """Show what is announced until everything is."""
    clock = SystemClock()
    since = camera.changed_at.ToDatetime(tzinfo=UTC)
    tail = KeyTail(LogReader(context.kafka), [CLIPS, CAMERA_STATUS], camera.camera_id, since, clock)
    state = ImportProgress(camera.camera_id, since)
    try:
        with console.status("the recorder begins") as shown:
            while not (state.done or state.refused):
                for event in tail.poll():
                    state = state.after(event)
                through = "" if state.through is None else f", up to {format_time(state.through)} UTC"
                shown.update(f"{_counted(state)} announced{through}")
                clock.sleep(_POLL_S)
    except KeyboardInterrupt:
        console.print("The import goes on; homeward cameras status tells how far it is.", highlight=False)
        return
    except LogReadError as error:
        fail(f"Homeward's log cannot be read ({error}); the import goes on where Homeward runs")
    if state.refused:
        fail("the recorder refuses the camera; its log says why")
    console.print(f"{_counted(state)} are announced.")
    console.print(
        f"homeward cameras coverage {camera.camera_id} --last 30d shows how much of the time they are.", highlight=False
    )


def _counted(state: ImportProgress) -> str:
    clips, gaps = len(state.clips), len(state.gaps)
    return f"{clips} clip{'' if clips == 1 else 's'} and {gaps} gap{'' if gaps == 1 else 's'}"
