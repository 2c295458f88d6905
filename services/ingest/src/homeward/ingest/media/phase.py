"""At which moment each camera's clips end, so that those of all cameras do not end at once."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HASH_BYTES: Final = 8


def first_length(camera_id: str, clip_length: timedelta, now: datetime, shortest: timedelta) -> timedelta:
    """Return how long the clip shall be that a camera begins at `now`; those after it are of `clip_length`.

    Cameras that are connected together, after a power cut or a broken switch, would else hand over their clips
    together for ever: stores and detectors would be idle and overrun in turns. Each camera has a moment of its own
    within the length, by its id. Where that is nearer than `shortest`, the clip is of full length.
    """
    digest = hashlib.sha256(camera_id.encode()).digest()[:_HASH_BYTES]
    moment = clip_length * (int.from_bytes(digest) / 256**_HASH_BYTES)
    left = clip_length - (now - _EPOCH - moment) % clip_length
    return left if left >= shortest else clip_length
