"""Which objects are past their time, and which of those a hold keeps. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

from homeward.retention.limits import CEILING
from homeward.shared.objectkeys import ClipKey, InvalidKeyError, day_of_prefix
from homeward.shared.objectstore.port import ObjectInfo

CLIP_LENGTH_MAX: Final = timedelta(minutes=2)
"""No clip is longer: one of the longest wanted length, 60 s, ends on the first key frame after it. A clip that begins
this long before a hold may still reach into it."""

ONE_DAY: Final = timedelta(days=1)

Limit = Callable[[str, datetime], timedelta]
"""How long a camera's footage of an instant may live."""


@dataclass(frozen=True, slots=True)
class Held:
    """Footage that a hold in force keeps: these cameras, from `starts_at` until `ends_at`."""

    camera_ids: frozenset[str]
    starts_at: datetime
    ends_at: datetime

    def keeps(self, clip: ClipKey) -> bool:
        """Whether `clip` may hold a moment of it."""
        reaches_in = clip.starts_at < self.ends_at and clip.starts_at + CLIP_LENGTH_MAX > self.starts_at
        return clip.camera_id in self.camera_ids and reaches_in


def taken_at(info: ObjectInfo) -> datetime:
    """Return when the object's footage was taken.

    For a key that is no clip's, it is the latest moment that it can be: the end of the day that it stands under, or
    else when it was written, so that nothing stays for ever because nobody can read its name.
    """
    try:
        return ClipKey.parse(info.key).starts_at
    except InvalidKeyError:
        pass
    end = day_end(f"{info.key.partition('/')[0]}/")
    return info.modified_at if end is None else end


def camera_of(key: str) -> str | None:
    """Return the camera under whose folder of a day the object stands; None where it stands elsewhere."""
    day, _, rest = key.partition("/")
    camera_id, slash, _ = rest.partition("/")
    return camera_id if slash and day_end(f"{day}/") is not None else None


def is_due(info: ObjectInfo, now: datetime, limit: Limit, held: Sequence[Held]) -> bool:
    """Return whether the object is older than its limit and no hold keeps it."""
    taken = taken_at(info)
    camera_id = camera_of(info.key)
    if now - taken <= (CEILING if camera_id is None else min(CEILING, limit(camera_id, taken))):
        return False
    try:
        clip = ClipKey.parse(info.key)
    except InvalidKeyError:
        return True
    return not any(hold.keeps(clip) for hold in held)


def day_end(prefix: str) -> datetime | None:
    """Return the end of the day of a `<day>/` or `<day>/<camera_id>/` prefix, None for any other prefix."""
    try:
        day = day_of_prefix(f"{prefix.partition('/')[0]}/")
    except InvalidKeyError:
        return None
    return datetime.combine(day, time(), UTC) + ONE_DAY


def may_hold_due(prefix: str, cutoff: datetime) -> bool:
    """Return whether anything under `prefix` can have been taken before `cutoff`; unknown prefixes may."""
    end = day_end(prefix)
    return end is None or end - ONE_DAY < cutoff
