"""What a camera's state asks to be recorded, checked before anything is opened."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final
from urllib.parse import unquote, urlsplit

from homeward.shared.instants import format_instant, from_duration, from_timestamp
from homeward.shared.objectkeys import CAMERA_ID
from homewardapi.camera.v1.camera_pb2 import Camera, Pace

SHORTEST_CLIP: Final = timedelta(seconds=2)
LONGEST_CLIP: Final = timedelta(seconds=60)

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


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """One source to record. `url` holds no user and no password; `recording` is set for a file alone."""

    camera_id: str
    url: str
    credentials_ref: str | None
    clip_length: timedelta
    recording: RecordingSpec | None

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
    credentials = camera.source.optional_credentials_ref or None
    if scheme == "file" and credentials is not None:
        raise SourceRefusedError(f"camera {name}: a file takes no credentials")
    return SourceSpec(name, camera.source.url, credentials, length, _recording_of(camera, scheme))


def _checked_scheme(name: str, url: str) -> str:
    try:
        parts = urlsplit(url)
        user, host, _ = parts.username, parts.hostname, parts.port
    except ValueError:
        raise SourceRefusedError(f"camera {name}: the source is not a URL") from None
    if user is not None or parts.password is not None or "@" in parts.netloc:
        raise SourceRefusedError(
            f"camera {name}: the source's URL holds a user or a password; put them into a file of the credentials "
            "folder and name it in optional_credentials_ref"
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
    name = camera.camera_id
    if not camera.source.HasField("optional_recording"):
        if scheme == "file":
            raise SourceRefusedError(f"camera {name}: a file needs the time at which its first frame was taken")
        return None
    if scheme != "file":
        raise SourceRefusedError(f"camera {name}: only a file has a time at which its first frame was taken")
    recording = camera.source.optional_recording
    pacing = {Pace.PACE_IMPORT: Pacing.IMPORT, Pace.PACE_LIVE: Pacing.LIVE}.get(recording.pace)
    if pacing is None:
        raise SourceRefusedError(f"camera {name}: the recording's pace is unknown")
    return RecordingSpec(from_timestamp(recording.starts_at), pacing)
