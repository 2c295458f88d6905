"""The keys of objects: derived from ids, readable back, and day first so that one prefix is one day to delete."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Self

from homeward.shared.instants import format_instant, parse_instant, require_aware

FOOTAGE_BUCKET = "footage"
CROPS_BUCKET = "crops"
SUBJECTS_BUCKET = "subjects"
AUDIT_BUCKET = "audit"

CAMERA_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""A camera's id: an RFC 1123 label, so that it can stand in a key, a label and a host name."""

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_CLIP_KEY = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})/(?P<camera>[a-z0-9-]{1,63})/(?P<start>\d{8}T\d{6}\.\d{6}Z)-(?P<clip>" + _UUID + r")\."
    r"(?P<suffix>mp4|crops)",
)
_PHOTO_KEY = re.compile(r"(?P<authorisation>" + _UUID + r")/(?P<index>0|[1-9]\d{0,2})\.(?:jpg|png)")


class InvalidKeyError(ValueError):
    """A text that is not a key of ours."""


@dataclass(frozen=True, slots=True)
class ClipKey:
    """The key of one clip's object: `suffix` is "mp4" in the bucket footage, "crops" in the bucket crops."""

    camera_id: str
    starts_at: datetime
    clip_id: str
    suffix: str

    def __str__(self) -> str:
        """Return `<day>/<camera_id>/<start>-<clip_id>.<suffix>`."""
        start = require_aware(self.starts_at)
        return f"{start.date().isoformat()}/{self.camera_id}/{format_instant(start)}-{self.clip_id}.{self.suffix}"

    @classmethod
    def parse(cls, key: str) -> Self:
        """Return the parts of `key`; raise InvalidKeyError unless it is exactly what `str` of the parts gives."""
        match = _CLIP_KEY.fullmatch(key)
        if match is None or CAMERA_ID.fullmatch(match["camera"]) is None:
            raise InvalidKeyError("the key is not <day>/<camera_id>/<start>-<clip_id>.mp4 or .crops")
        try:
            starts_at = parse_instant(match["start"])
        except ValueError as error:
            raise InvalidKeyError("the key's start is not a time") from error
        parsed = cls(match["camera"], starts_at, match["clip"], match["suffix"])
        if str(parsed) != key:
            # A key whose day is not that of its start would be deleted on one day and searched on another.
            raise InvalidKeyError("the key's day is not the day of its start")
        return parsed


@dataclass(frozen=True, slots=True)
class PhotoKey:
    """The key of one reference photo in the bucket subjects: `<authorisation_id>/<index>.<jpg|png>`."""

    authorisation_id: str
    index: int

    @classmethod
    def parse(cls, key: str) -> Self:
        """Return the parts of `key`; raise InvalidKeyError for anything else."""
        match = _PHOTO_KEY.fullmatch(key)
        if match is None:
            raise InvalidKeyError("the key is not <authorisation_id>/<index>.jpg or .png")
        return cls(match["authorisation"], int(match["index"]))


def footage_key(camera_id: str, starts_at: datetime, clip_id: str) -> str:
    """Return the key of a clip in the bucket footage."""
    return str(ClipKey(camera_id, starts_at, clip_id, "mp4"))


def crops_key(camera_id: str, starts_at: datetime, clip_id: str) -> str:
    """Return the key of a clip's crops in the bucket crops."""
    return str(ClipKey(camera_id, starts_at, clip_id, "crops"))


def photo_key(authorisation_id: str, index: int, suffix: str = "jpg") -> str:
    """Return the key of a reference photo in the bucket subjects."""
    return f"{authorisation_id}/{index}.{suffix}"


def subject_prefix(authorisation_id: str) -> str:
    """Return the prefix of everything that one authorisation keeps in the bucket subjects."""
    return f"{authorisation_id}/"


def day_of_prefix(prefix: str) -> date:
    """Return the day of a `<day>/` prefix; raise InvalidKeyError for anything else."""
    try:
        return datetime.strptime(prefix, "%Y-%m-%d/").replace(tzinfo=UTC).date()
    except ValueError as error:
        raise InvalidKeyError(f"{prefix!r} is not <day>/") from error
