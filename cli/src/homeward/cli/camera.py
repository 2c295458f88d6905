"""What an operator says of a camera, checked and put into the event that recorders follow."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from homeward.shared import ids
from homeward.shared.events import Event, new_event, removal
from homeward.shared.instants import to_duration, to_timestamp
from homeward.shared.objectkeys import CAMERA_ID
from homeward.shared.topics import CAMERAS
from homewardapi.camera.v1.camera_pb2 import PACE_IMPORT, PACE_LIVE, Camera, Recording, Source

SOURCE: Final = "homeward/cli"
SCHEMES: Final = ("rtsp", "rtsps", "http", "https", "file")
SHORTEST_CLIP: Final = timedelta(seconds=2)
LONGEST_CLIP: Final = timedelta(seconds=60)


class InvalidCameraError(ValueError):
    """Something said of a camera that cannot be; the text says what to say instead."""


def source_url(text: str) -> str:
    """Return the URL of a source given as a URL or as the path of a file.

    Raises InvalidCameraError for a file that is not there, an unknown scheme, or a URL that holds a user or a
    password: it would stand in an event that every service reads.
    """
    if "://" not in text:
        path = Path(text).expanduser().resolve()
        if not path.is_file():
            raise InvalidCameraError(f"there is no file {text}; give a file or a URL such as rtsp://camera/stream")
        return path.as_uri()
    parts = urlsplit(text)
    if parts.scheme not in SCHEMES:
        raise InvalidCameraError(f"{parts.scheme}:// is no source; use one of {', '.join(SCHEMES)}")
    if parts.username is not None or parts.password is not None:
        raise InvalidCameraError(
            "the URL holds a user or a password; leave them out and name their secret with --credentials"
        )
    return text


def camera_changed(
    camera_id: str,
    url: str,
    now: datetime,
    *,
    display_name: str | None = None,
    clip_length: timedelta = timedelta(seconds=10),
    credentials_ref: str | None = None,
    starts_at: datetime | None = None,
    live: bool = False,
) -> Event:
    """Return the event that makes `camera_id` be recorded from `url`.

    For a file, `starts_at` is when its first frame was taken (by default `now`), and `live` reads it at its own pace.
    Raises InvalidCameraError.
    """
    if CAMERA_ID.fullmatch(camera_id) is None:
        raise InvalidCameraError(
            f"{camera_id!r} is no camera's id: use 1 to 63 lower-case letters, digits and hyphens, as in north-gate"
        )
    if not SHORTEST_CLIP <= clip_length <= LONGEST_CLIP:
        raise InvalidCameraError(
            f"a clip lasts {SHORTEST_CLIP.total_seconds():g} to {LONGEST_CLIP.total_seconds():g} s"
        )
    source = Source(url=source_url(url))
    if credentials_ref is not None:
        source.optional_credentials_ref = credentials_ref
    if source.url.startswith("file:"):
        recording = Recording(starts_at=to_timestamp(starts_at or now), pace=PACE_LIVE if live else PACE_IMPORT)
        source.optional_recording.CopyFrom(recording)
    elif starts_at is not None or live:
        raise InvalidCameraError("--starts-at and --live place a file in time; a camera is always now")
    camera = Camera(
        camera_id=camera_id,
        display_name=display_name or camera_id,
        source=source,
        clip_length=to_duration(clip_length),
        enabled=True,
        changed_at=to_timestamp(now),
    )
    return new_event(CAMERAS, ids.state_event_id("camera", camera_id, now), SOURCE, now, camera)


def camera_removed(camera_id: str, now: datetime) -> Event:
    """Return the event that ends the recording of `camera_id`; its footage stays until its time is over."""
    return removal(CAMERAS, ids.state_event_id("camera-removed", camera_id, now), SOURCE, now, camera_id)
