"""The limits of every camera: followed from their topic, and kept beside the footage that they hold for.

A camera that is removed leaves its topic, and a limit that is lengthened replaces the shorter one there, while footage
taken under the shorter one still stands. So each limit that is shorter than the ceiling is written down in the bucket
of the footage itself, before anything is deleted by it: it lives as long as what it speaks of, whatever becomes of the
topic.
"""

import threading
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Final

from google.protobuf.message import Message

from homeward.retention.limits import CEILING, SHORTEST, CameraLimits, UnreadableLimitsError
from homeward.shared.clock import Clock
from homeward.shared.instants import from_duration, from_timestamp
from homeward.shared.objectkeys import CAMERA_ID, FOOTAGE_BUCKET
from homeward.shared.objectstore.port import ObjectStore
from homeward.shared.telemetry.logging import get_logger
from homewardapi.camera.v1.camera_pb2 import Camera

LIMITS_PREFIX: Final = "limits/"

_REWRITE_AFTER: Final = timedelta(days=7)
"""The store's own expiry takes what was written a month ago: what still holds is written anew before."""

_SETTLE_EVERY: Final = timedelta(hours=1)
"""How often limits are looked through where the topic tells nothing new."""

_log = get_logger()


class LimitTable:
    """The limits by camera. The table's reader writes, the sweep reads: safe from several threads."""

    def __init__(self, store: ObjectStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._limits: dict[str, CameraLimits] = {}
        self._told: set[str] = set()
        self._written: dict[str, tuple[bytes, datetime]] = {}
        self._restored = False
        self._changed = True
        self._settled_at: datetime | None = None

    def apply(self, camera_id: str, message: Message | None) -> None:
        """Take one state of the topic homeward.cameras.v1, None for the camera's removal."""
        with self._lock:
            self._changed = True
            limits = self._limits.get(camera_id, CameraLimits())
            if not isinstance(message, Camera):
                self._told.discard(camera_id)
                if camera_id in self._limits:
                    self._limits[camera_id] = limits.removed(self._clock.now())
                return
            self._told.add(camera_id)
            asked = from_duration(message.optional_retention) if message.HasField("optional_retention") else CEILING
            if SHORTEST <= asked <= CEILING:
                self._limits[camera_id] = limits.promised(from_timestamp(message.changed_at), asked)
            else:
                # Nobody promised what nobody can keep; nothing is recorded under it.
                _log.error("a camera's retention is not between 1 h and 30 days", camera_id=camera_id)

    def limit(self, camera_id: str, taken_at: datetime) -> timedelta:
        """Return how long the camera's footage of `taken_at` may live."""
        with self._lock:
            limits = self._limits.get(camera_id)
        return CEILING if limits is None else limits.limit(taken_at)

    def shorter(self) -> AbstractSet[str]:
        """Return the cameras of which some footage lives less long than others'."""
        with self._lock:
            return {camera_id for camera_id, limits in self._limits.items() if limits.shortest < CEILING}

    def settle(self) -> None:
        """Read what was written down, once, and write down what is new. Call it with the topic read to its end.

        Called at each step; returns at once where there is nothing to do. Raises ObjectStoreUnavailableError: nothing
        may be deleted before it went through.
        """
        if not self._restored:
            self._restore()
        now = self._clock.now()
        if not self._changed and self._settled_at is not None and now - self._settled_at < _SETTLE_EVERY:
            return
        self._settled_at = None
        with self._lock:
            self._changed = False
            for camera_id, limits in list(self._limits.items()):
                if camera_id not in self._told:
                    limits = limits.removed(now)  # noqa: PLW2901 - the same camera's, later
                pruned = limits.pruned(now)
                if pruned is None:
                    del self._limits[camera_id]
                else:
                    self._limits[camera_id] = pruned
            wanted = {
                camera_id: limits.to_json() for camera_id, limits in self._limits.items() if limits.shortest < CEILING
            }
        for camera_id, data in wanted.items():
            written = self._written.get(camera_id)
            if written is None or written[0] != data or now - written[1] > _REWRITE_AFTER:
                self._store.put(FOOTAGE_BUCKET, _key(camera_id), data, content_type="application/json")
                self._written[camera_id] = (data, now)
        for camera_id in self._written.keys() - wanted.keys():
            self._store.delete(FOOTAGE_BUCKET, _key(camera_id))
            del self._written[camera_id]
        self._settled_at = now

    def _restore(self) -> None:
        for info in self._store.list(FOOTAGE_BUCKET, LIMITS_PREFIX):
            camera_id = info.key.removeprefix(LIMITS_PREFIX).removesuffix(".json")
            if _key(camera_id) != info.key or CAMERA_ID.fullmatch(camera_id) is None:
                continue
            data = self._store.get(FOOTAGE_BUCKET, info.key)
            try:
                earlier = CameraLimits.from_json(data)
            except UnreadableLimitsError as error:
                _log.error("a camera's limits are unreadable", camera_id=camera_id, error=error)
                continue
            with self._lock:
                self._limits[camera_id] = self._limits.get(camera_id, CameraLimits()).joined(earlier)
            self._written[camera_id] = (data, info.modified_at)
        self._restored = True


def _key(camera_id: str) -> str:
    return f"{LIMITS_PREFIX}{camera_id}.json"
