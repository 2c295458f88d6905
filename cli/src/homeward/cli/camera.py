"""What an operator says of a camera, checked and put into the event that recorders follow."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from homeward.shared import ids
from homeward.shared.events import Event, new_event, removal
from homeward.shared.filetimes import NamePattern, NamePatternError
from homeward.shared.instants import from_duration, to_duration, to_timestamp
from homeward.shared.objectkeys import CAMERA_ID
from homeward.shared.topics import CAMERAS, FOOTAGE_RETENTION
from homeward.shared.urlsecrets import holds_secret
from homewardapi.camera.v1 import camera_pb2
from homewardapi.camera.v1.camera_pb2 import PACE_IMPORT, PACE_LIVE, Camera, Recording, RecordingFolder, Schedule

SOURCE: Final = "homeward/cli"
SCHEMES: Final = ("rtsp", "rtsps", "http", "https", "file")
SHORTEST_CLIP: Final = timedelta(seconds=2)
LONGEST_CLIP: Final = timedelta(seconds=60)
DEFAULT_CLIP: Final = timedelta(seconds=10)
SHORTEST_RETENTION: Final = timedelta(hours=1)
LONGEST_RETENTION: Final = FOOTAGE_RETENTION

_CREDENTIALS: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?")
_WITHOUT_SECRETS: Final = (
    "the URL holds a user, a password or a token, and would stand in an event that every service reads; leave them "
    "out, put user:password into a file of the recorder's credentials folder, and name that file with --credentials"
)


class InvalidCameraError(ValueError):
    """Something said of a camera that cannot be; the text says what to say instead."""


class Transport(StrEnum):
    """How an rtsp:// camera's packets travel."""

    TCP = "tcp"
    UDP = "udp"


class Always(Enum):
    """What takes a limit away again."""

    ALWAYS = "always"


ALWAYS: Final = Always.ALWAYS


@dataclass(frozen=True, slots=True)
class Wish:
    """What an operator says of a camera; None where nothing is said, ALWAYS where a limit is taken away.

    `source` is a URL, or the path of a file or of a folder of files. For a file, `starts_at` is when its first frame
    was taken and `live` reads it at its own pace; for a folder, `name_pattern` and `time_zone` tell the files' times.
    """

    source: str | None = None
    display_name: str | None = None
    credentials_ref: str | Always | None = None
    clip_length: timedelta | None = None
    retention: timedelta | Always | None = None
    schedule: Schedule | Always | None = None
    audio: bool | None = None
    transport: Transport | None = None
    starts_at: datetime | None = None
    live: bool | None = None
    name_pattern: str | None = None
    time_zone: str | None = None
    enabled: bool | None = None


def source_url(text: str) -> str:
    """Return the URL of a source given as a URL or as the path of a file or folder; a folder's ends with a slash.

    Raises InvalidCameraError for a file that is not there, an unknown scheme, or a URL that holds a user, a password
    or a token: it would stand in an event that every service reads.
    """
    if "://" not in text:
        path = Path(text).expanduser().resolve()
        if path.is_dir():
            return path.as_uri() + "/"
        if not path.is_file():
            raise InvalidCameraError(f"there is no file {text}; give a file or a URL such as rtsp://camera/stream")
        return path.as_uri()
    try:
        parts = urlsplit(text)
        secret, _ = holds_secret(text), parts.port
    except ValueError:
        raise InvalidCameraError("the source is no URL; write it as in rtsp://192.0.2.7:554/stream") from None
    if parts.scheme not in SCHEMES:
        raise InvalidCameraError(f"{parts.scheme}:// is no source; use one of {', '.join(SCHEMES)}")
    if secret:
        raise InvalidCameraError(_WITHOUT_SECRETS)
    if parts.scheme == "file":
        if parts.hostname not in (None, "localhost") or not parts.path.startswith("/"):
            raise InvalidCameraError("a file's URL is file:/// and an absolute path; or give the path alone")
    elif not parts.hostname:
        raise InvalidCameraError("the URL names no host; write it as in rtsp://192.0.2.7/stream")
    return text


def new_camera(camera_id: str, wish: Wish, now: datetime) -> Camera:
    """Return the camera that `wish` describes; raise InvalidCameraError."""
    if CAMERA_ID.fullmatch(camera_id) is None:
        raise InvalidCameraError(
            f"{camera_id!r} is no camera's id: use 1 to 63 lower-case letters, digits and hyphens, as in north-gate"
        )
    if wish.source is None:
        raise InvalidCameraError("a camera needs a source, such as rtsp://192.0.2.7/stream")
    camera = Camera(camera_id=camera_id, display_name=camera_id, clip_length=to_duration(DEFAULT_CLIP), enabled=True)
    return changed_camera(camera, wish, now)


def changed_camera(camera: Camera, wish: Wish, now: datetime) -> Camera:
    """Return `camera` as `wish` changes it; raise InvalidCameraError."""
    changed = Camera()
    changed.CopyFrom(camera)
    changed.changed_at.CopyFrom(to_timestamp(now))
    if wish.display_name is not None:
        changed.display_name = wish.display_name
    if wish.clip_length is not None:
        changed.clip_length.CopyFrom(to_duration(wish.clip_length))
    if wish.enabled is not None:
        changed.enabled = wish.enabled
    if isinstance(wish.retention, timedelta):
        changed.optional_retention.CopyFrom(to_duration(wish.retention))
    elif wish.retention is ALWAYS:
        changed.ClearField("optional_retention")
    if isinstance(wish.schedule, Schedule):
        changed.optional_schedule.CopyFrom(wish.schedule)
    elif wish.schedule is ALWAYS:
        changed.ClearField("optional_schedule")
    _change_source(changed, wish, now)
    _check(changed)
    return changed


def camera_event(camera: Camera) -> Event:
    """Return the event that tells the recorders of `camera`."""
    now = camera.changed_at.ToDatetime(tzinfo=UTC)
    return new_event(CAMERAS, ids.state_event_id("camera", camera.camera_id, now), SOURCE, now, camera)


def camera_changed(
    camera_id: str,
    url: str,
    now: datetime,
    *,
    display_name: str | None = None,
    clip_length: timedelta = DEFAULT_CLIP,
    credentials_ref: str | None = None,
    starts_at: datetime | None = None,
    live: bool = False,
) -> Event:
    """Return the event that makes `camera_id` be recorded from `url`.

    For a file, `starts_at` is when its first frame was taken (by default `now`), and `live` reads it at its own pace.
    Raises InvalidCameraError.
    """
    wish = Wish(
        url,
        display_name=display_name,
        clip_length=clip_length,
        credentials_ref=credentials_ref,
        starts_at=starts_at,
        live=live or None,
    )
    return camera_event(new_camera(camera_id, wish, now))


def camera_removed(camera_id: str, now: datetime) -> Event:
    """Return the event that ends the recording of `camera_id`; its footage stays until its time is over."""
    return removal(CAMERAS, ids.state_event_id("camera-removed", camera_id, now), SOURCE, now, camera_id)


def _change_source(camera: Camera, wish: Wish, now: datetime) -> None:
    source = camera.source
    if wish.source is not None:
        source.url = source_url(wish.source)
        # What belongs to another kind of source goes with it, unless it is said anew.
        if not source.url.startswith("rtsp:"):
            source.ClearField("optional_transport")
        if not source.url.startswith("file:"):
            source.ClearField("optional_recording")
    if isinstance(wish.credentials_ref, str):
        source.optional_credentials_ref = wish.credentials_ref
    elif wish.credentials_ref is ALWAYS:
        source.ClearField("optional_credentials_ref")
    if wish.audio is not None:
        source.audio = wish.audio
    if wish.transport is not None:
        source.optional_transport = (
            camera_pb2.TRANSPORT_UDP if wish.transport is Transport.UDP else camera_pb2.TRANSPORT_TCP
        )
    _place_in_time(camera, wish, now)


def _place_in_time(camera: Camera, wish: Wish, now: datetime) -> None:
    source = camera.source
    file = source.url.startswith("file:")
    folder = file and source.url.endswith("/")
    if (wish.starts_at is not None or wish.live is not None) and (folder or not file):
        raise InvalidCameraError(
            "--starts-at and --live place one file in time; a camera is always now, and the files of a folder each "
            "have their own time"
        )
    if (wish.name_pattern is not None or wish.time_zone is not None) and not folder:
        raise InvalidCameraError("--name-pattern and its time zone are for a folder of files")
    if folder:
        source.ClearField("optional_recording")
        source.optional_folder.SetInParent()
        if wish.name_pattern is not None:
            source.optional_folder.optional_name_pattern = wish.name_pattern
        if wish.time_zone is not None:
            source.optional_folder.optional_time_zone = wish.time_zone
        return
    source.ClearField("optional_folder")
    if file:
        recording = Recording(starts_at=to_timestamp(wish.starts_at or now), pace=PACE_IMPORT)
        if source.HasField("optional_recording") and wish.source is None:
            recording.CopyFrom(source.optional_recording)
            if wish.starts_at is not None:
                recording.starts_at.CopyFrom(to_timestamp(wish.starts_at))
        if wish.live is not None:
            recording.pace = PACE_LIVE if wish.live else PACE_IMPORT
        source.optional_recording.CopyFrom(recording)


def _check(camera: Camera) -> None:
    """Raise InvalidCameraError for what a recorder would refuse."""
    source = camera.source
    if not camera.display_name.strip():
        raise InvalidCameraError("a camera's name is empty; say where it looks, as in --name 'North gate'")
    if not SHORTEST_CLIP <= from_duration(camera.clip_length) <= LONGEST_CLIP:
        raise InvalidCameraError(
            f"a clip lasts {SHORTEST_CLIP.total_seconds():g} to {LONGEST_CLIP.total_seconds():g} s"
        )
    if camera.HasField("optional_retention") and not (
        SHORTEST_RETENTION <= from_duration(camera.optional_retention) <= LONGEST_RETENTION
    ):
        raise InvalidCameraError(f"footage is kept for 1 h to {LONGEST_RETENTION.days} d; leave it out for the longest")
    if source.HasField("optional_credentials_ref"):
        _check_credentials(source.optional_credentials_ref, source.url)
    if source.HasField("optional_transport") and not source.url.startswith("rtsp:"):
        raise InvalidCameraError("--transport is for rtsp:// cameras; any other source has one way alone")
    if source.HasField("optional_folder"):
        folder_pattern(source.optional_folder)


def _check_credentials(reference: str, url: str) -> None:
    if ":" in reference or _CREDENTIALS.fullmatch(reference) is None:
        # Not repeated: it may be the password itself.
        raise InvalidCameraError(
            "--credentials takes the name of a file in the recorder's credentials folder, as in north-gate: letters, "
            "digits, dots and hyphens; never a path, a user or a password"
        )
    if url.startswith("file:"):
        raise InvalidCameraError("a file takes no credentials")


def folder_pattern(folder: RecordingFolder) -> NamePattern | None:
    """Return how the names of the folder's files tell time; None where the files do so themselves.

    Raises InvalidCameraError.
    """
    name = folder.optional_time_zone or "UTC"
    try:
        zone = ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InvalidCameraError(
            f"{name!r} is no time zone: use a name of the IANA database, such as Asia/Taipei"
        ) from None
    if not folder.optional_name_pattern:
        return None
    try:
        return NamePattern(folder.optional_name_pattern, zone)
    except NamePatternError as error:
        raise InvalidCameraError(str(error)) from None
