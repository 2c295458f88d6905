"""The options by which an operator describes a camera, and what they say."""

from datetime import datetime, timedelta
from typing import Annotated, Final

import typer

from homeward.cli.camera import ALWAYS, Always, InvalidCameraError
from homeward.cli.spans import InvalidTimeError, parse_instant, parse_span
from homeward.cli.weekly import InvalidScheduleError, parse_schedule
from homewardapi.camera.v1.camera_pb2 import Schedule

CameraId = Annotated[str, typer.Argument(help="The camera's id.")]
NewCameraId = Annotated[str, typer.Argument(help="An id of your choice: lower-case letters, digits and hyphens.")]
Name = Annotated[str | None, typer.Option(help="What operators call the camera: a place, never a person.")]
Clip = Annotated[str | None, typer.Option("--clip", help="Wanted length of a clip, 2s to 60s; by default 10s.")]
Credentials = Annotated[
    str | None,
    typer.Option(
        help="Name of the file in the recorder's credentials folder that holds user:password; `none` for none."
    ),
]
Retention = Annotated[
    str | None, typer.Option(help="How long footage is kept, 1h to 30d; `longest` for 30 days, as without it.")
]
ScheduleText = Annotated[
    str | None,
    typer.Option(
        "--schedule", help="When it is recorded, as in 'mon-fri 07:00-19:00; sat 08:00-14:00'; `always` for always."
    ),
]
TimeZone = Annotated[
    str | None, typer.Option(help="The time zone of --schedule or --name-pattern, such as Asia/Taipei.")
]
Audio = Annotated[
    bool | None, typer.Option("--audio/--no-audio", help="Record sound too; only where the law allows it.")
]
StartsAt = Annotated[
    str | None, typer.Option(help="For a file: when its first frame was taken, in UTC unless it says otherwise.")
]
Live = Annotated[
    bool | None, typer.Option("--live/--import", help="For a file: read it at its own pace, as a camera would send it.")
]
NamePattern = Annotated[
    str | None,
    typer.Option(help="For a folder: how names tell when a file's first frame was taken, as in 'cam1-%Y%m%d-%H%M%S'."),
]

_NONE: Final = ("none", "")


def span_said(text: str | None) -> timedelta | None:
    """Return the span that an option says; raise InvalidCameraError."""
    try:
        return None if text is None else parse_span(text)
    except InvalidTimeError as error:
        raise InvalidCameraError(str(error)) from None


def retention_said(text: str | None) -> timedelta | Always | None:
    """Return the retention that the option says; raise InvalidCameraError."""
    return ALWAYS if text == "longest" else span_said(text)


def credentials_said(text: str | None) -> str | Always | None:
    """Return the name of the credentials' file that the option says."""
    return ALWAYS if text in _NONE else text


def instant_said(text: str | None) -> datetime | None:
    """Return the instant that an option says; raise InvalidCameraError."""
    try:
        return None if text is None else parse_instant(text)
    except InvalidTimeError as error:
        raise InvalidCameraError(str(error)) from None


def schedule_said(text: str | None, time_zone: str | None) -> Schedule | Always | None:
    """Return the schedule that the options say; raise InvalidCameraError."""
    if text is None or text == "always":
        return None if text is None else ALWAYS
    if time_zone is None:
        raise InvalidCameraError("a schedule is read off a clock: say which, as in --time-zone Asia/Taipei")
    try:
        return parse_schedule(text, time_zone)
    except InvalidScheduleError as error:
        raise InvalidCameraError(str(error)) from None
