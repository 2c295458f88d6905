"""What a camera's state asks to be recorded, checked before anything is opened."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Final
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from homeward.ingest.cameras.schedule import Schedule, schedule_of
from homeward.ingest.cameras.time_zones import UnknownTimeZoneError, time_zone
from homeward.shared.filetimes import NamePattern, NamePatternError
from homeward.shared.instants import format_instant, from_duration, from_timestamp
from homeward.shared.objectkeys import CAMERA_ID
from homeward.shared.topics import FOOTAGE_RETENTION
from homeward.shared.urlsecrets import holds_secret
from homewardapi.camera.v1 import camera_pb2
from homewardapi.camera.v1.camera_pb2 import Camera, Pace

SHORTEST_CLIP: Final = timedelta(seconds=2)
LONGEST_CLIP: Final = timedelta(seconds=60)

SHORTEST_RETENTION: Final = timedelta(hours=1)
LONGEST_RETENTION: Final = FOOTAGE_RETENTION

_NETWORK_SCHEMES: Final = frozenset({"rtsp", "rtsps", "http", "https"})


class SourceRefusedError(ValueError):
    """A camera that cannot be recorded as it is described; the text names the camera and never its URL."""


class Pacing(Enum):
    """How fast a recording is read."""

    IMPORT = "import"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class RecordingSpec:
    """A file that was recorded earlier: when its first frame was taken and how fast it is read."""

    starts_at: datetime
    pacing: Pacing


class Transport(Enum):
    """How the packets of an rtsp:// camera travel."""

    TCP = "tcp"
    UDP = "udp"


@dataclass(frozen=True, slots=True)
class FolderSpec:
    """A folder of files that were recorded earlier, each placed in time by itself; they are read as fast as can be.

    `name_pattern` tells in strptime's codes when a file's first frame was taken from its name without the ending, by
    the wall clock of `zone`; None for the creation time that stands in the file. `asked_at` is when an operator last
    asked for it: asked again, it is looked through again for files that came later.
    """

    name_pattern: str | None = None
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """One source to record.

    `url` holds no user, no password and no token. `recording` is set for a file alone, `folder` for a folder of files;
    `transport` matters to rtsp:// alone. `schedule` is None for a camera that is always recorded, `retention` for one
    whose footage is kept as long as any.
    """

    camera_id: str
    url: str
    credentials_ref: str | None
    clip_length: timedelta
    recording: RecordingSpec | None
    audio: bool = False
    transport: Transport = Transport.TCP
    schedule: Schedule | None = None
    retention: timedelta | None = None
    folder: FolderSpec | None = None

    @property
    def live(self) -> bool:
        """Whether this is a camera that sends now, not something recorded earlier."""
        return self.recording is None and self.folder is None

    @property
    def scheme(self) -> str:
        """The URL's scheme, in lower case."""
        return urlsplit(self.url).scheme

    @property
    def path(self) -> str:
        """The path that a file:// URL names."""
        return unquote(urlsplit(self.url).path)

    def recording_id(self, content: str) -> str:
        """Return what tells one import from another: the camera, the source, its start and its `content`."""
        starts_at = "" if self.recording is None else format_instant(self.recording.starts_at)
        return hashlib.sha256(f"{self.camera_id}\x1f{self.url}\x1f{starts_at}\x1f{content}".encode()).hexdigest()


def source_of(camera: Camera) -> SourceSpec:
    """Return what `camera` asks to be recorded; raise SourceRefusedError with the reason when it cannot be."""
    name = camera.camera_id
    if CAMERA_ID.fullmatch(name) is None:
        # The id becomes a folder's name and a part of a key.
        raise SourceRefusedError("a camera's id is not lower-case letters, digits and hyphens, 1 to 63 characters")
    length = from_duration(camera.clip_length)
    if not SHORTEST_CLIP <= length <= LONGEST_CLIP:
        raise SourceRefusedError(f"camera {name}: the clip length is not between 2 s and 60 s")
    scheme = _checked_scheme(name, camera.source.url)
    # A file takes none, and a camera that names some for it is recorded all the same: nobody reads them.
    credentials = None if scheme == "file" else camera.source.optional_credentials_ref or None
    return SourceSpec(
        name,
        camera.source.url,
        credentials,
        length,
        _recording_of(camera, scheme),
        audio=camera.source.audio,
        transport=_transport_of(camera, scheme),
        schedule=_schedule_of(camera),
        retention=_retention_of(camera),
        folder=_folder_of(camera, scheme),
    )


def _checked_scheme(name: str, url: str) -> str:
    try:
        parts = urlsplit(url)
        secret, host, _ = holds_secret(url), parts.hostname, parts.port
    except ValueError:
        raise SourceRefusedError(f"camera {name}: the source is not a URL") from None
    if secret:
        raise SourceRefusedError(
            f"camera {name}: the source's URL holds a user, a password or a token; leave them out, put user:password "
            "into a file of the credentials folder and name it in optional_credentials_ref"
        )
    if parts.scheme == "file":
        if host not in (None, "localhost") or not parts.path.startswith("/"):
            raise SourceRefusedError(f"camera {name}: a file's URL is file:/// and an absolute path")
    elif parts.scheme not in _NETWORK_SCHEMES:
        raise SourceRefusedError(f"camera {name}: the source is not rtsp, rtsps, http, https or file")
    elif not host:
        raise SourceRefusedError(f"camera {name}: the source's URL names no host")
    return parts.scheme


def _recording_of(camera: Camera, scheme: str) -> RecordingSpec | None:
    name, source = camera.camera_id, camera.source
    if not source.HasField("optional_recording"):
        if scheme == "file" and not source.HasField("optional_folder"):
            raise SourceRefusedError(
                f"camera {name}: a file needs the time at which its first frame was taken; set optional_recording, or "
                "optional_folder for a folder"
            )
        return None
    if scheme != "file":
        raise SourceRefusedError(f"camera {name}: only a file has a time at which its first frame was taken")
    if _names_folder(camera):
        raise SourceRefusedError(
            f"camera {name}: a URL that ends with a slash is a folder, whose files each have a time of their own; set "
            "optional_folder in place of optional_recording"
        )
    recording = source.optional_recording
    pacing = {Pace.PACE_IMPORT: Pacing.IMPORT, Pace.PACE_LIVE: Pacing.LIVE}.get(recording.pace)
    if pacing is None:
        raise SourceRefusedError(f"camera {name}: the recording's pace is unknown")
    return RecordingSpec(from_timestamp(recording.starts_at), pacing)


def _folder_of(camera: Camera, scheme: str) -> FolderSpec | None:
    name = camera.camera_id
    if not camera.source.HasField("optional_folder"):
        return None
    if scheme != "file" or not _names_folder(camera):
        raise SourceRefusedError(
            f"camera {name}: optional_folder is for a folder of files; give its URL as file:/// with a slash at the end"
        )
    folder = camera.source.optional_folder
    pattern = folder.optional_name_pattern or None
    try:
        zone = time_zone(folder.optional_time_zone or "UTC")
        if pattern is not None:
            NamePattern(pattern, zone)
    except (UnknownTimeZoneError, NamePatternError) as error:
        raise SourceRefusedError(f"camera {name}: {error}") from None
    return FolderSpec(pattern, zone, from_timestamp(camera.changed_at))


def _names_folder(camera: Camera) -> bool:
    return urlsplit(camera.source.url).path.endswith("/")


def _transport_of(camera: Camera, scheme: str) -> Transport:
    name = camera.camera_id
    if not camera.source.HasField("optional_transport"):
        return Transport.TCP
    if scheme != "rtsp":
        raise SourceRefusedError(f"camera {name}: only an rtsp:// camera has a transport; leave optional_transport out")
    transport = {
        camera_pb2.TRANSPORT_TCP: Transport.TCP,
        camera_pb2.TRANSPORT_UDP: Transport.UDP,
    }.get(camera.source.optional_transport)
    if transport is None:
        raise SourceRefusedError(f"camera {name}: the transport is unknown; set TCP or UDP, or leave it out for TCP")
    return transport


def _schedule_of(camera: Camera) -> Schedule | None:
    if not camera.HasField("optional_schedule"):
        return None
    try:
        return schedule_of(camera.optional_schedule)
    except ValueError as error:
        raise SourceRefusedError(f"camera {camera.camera_id}: {error}") from None


def _retention_of(camera: Camera) -> timedelta | None:
    if not camera.HasField("optional_retention"):
        return None
    retention = from_duration(camera.optional_retention)
    if not SHORTEST_RETENTION <= retention <= LONGEST_RETENTION:
        raise SourceRefusedError(
            f"camera {camera.camera_id}: the retention is not between 1 h and 30 days; leave it out for 30 days"
        )
    return retention
