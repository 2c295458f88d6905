"""How far cameras were told, by the log of clips and the status of cameras."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from homeward.ingest.sharing.handover import ToldLogError
from homeward.shared.clock import Clock
from homeward.shared.instants import from_timestamp
from homeward.shared.runtime.partitioner import partition_of
from homeward.shared.runtime.replay import LogReader, LogReadError
from homeward.shared.topics import CAMERA_STATUS, CLIPS, Topic
from homewardapi.camera.v1.camera_status_pb2 import CameraStatus
from homewardapi.clip.v1.clip_pb2 import Clip

_STATUS_BACK: Final = timedelta(hours=2)
"""How far back statuses are looked for first: there is one a minute of each camera that somebody records."""

_UNKNOWN_BACK: Final = timedelta(hours=1)
"""How far back clips are read for a camera of which no status is known: such a camera was never recorded for long."""


class KafkaToldLog:
    """The port `ToldLog`. Of each partition it reads the latest statuses, and the clips that came after them."""

    def __init__(self, reader: LogReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    def told_before(self, cameras: Mapping[str, datetime]) -> dict[str, datetime]:
        """Return up to when each camera's time before the given instant was told."""
        try:
            found: dict[str, datetime] = {}
            known = self._statuses(cameras)
            for partition, names in self._by_partition(CLIPS, cameras).items():
                found |= self._clips(partition, {name: cameras[name] for name in names}, known)
        except LogReadError as error:
            raise ToldLogError(str(error)) from error
        return found

    def _by_partition(self, topic: Topic, cameras: Mapping[str, datetime]) -> dict[int, list[str]]:
        count = len(self._reader.partitions(topic))
        found: dict[int, list[str]] = {}
        for name in cameras:
            found.setdefault(partition_of(name, count), []).append(name)
        return found

    def _statuses(self, cameras: Mapping[str, datetime]) -> dict[str, datetime | None]:
        """Return up to when each camera was told by its last status; None for one that was removed since."""
        now = self._clock.now()
        known: dict[str, datetime | None] = {}
        for partition, names in self._by_partition(CAMERA_STATUS, cameras).items():
            wanted = {name: cameras[name] for name in names}
            first, end = self._reader.span(CAMERA_STATUS, partition, now - _STATUS_BACK, now)
            known |= self._read_statuses(partition, wanted, first, end)
            if left := {name: before for name, before in wanted.items() if name not in known}:
                known |= self._read_statuses(partition, left, 0, first)
        return known

    def _read_statuses(
        self, partition: int, wanted: Mapping[str, datetime], first: int, end: int
    ) -> dict[str, datetime | None]:
        known: dict[str, datetime | None] = {}
        for event in self._reader.read(CAMERA_STATUS, partition, first, end):
            if event.key not in wanted:
                continue
            status = event.message
            if not isinstance(status, CameraStatus):
                known[event.key] = None
            elif status.HasField("optional_through"):
                through = from_timestamp(status.optional_through)
                if through < wanted[event.key]:
                    # A later one is told by who asks.
                    known[event.key] = through
        return known

    def _clips(
        self, partition: int, cameras: Mapping[str, datetime], known: Mapping[str, datetime | None]
    ) -> dict[str, datetime]:
        now = self._clock.now()
        told = {name: through for name in cameras if (through := known.get(name)) is not None}
        # A clip is published after it ends: whatever was told past a status came after that instant.
        since = min(told.get(name, min(cameras[name], now) - _UNKNOWN_BACK) for name in cameras)
        found = dict(told)
        first, end = self._reader.span(CLIPS, partition, since, now)
        for event in self._reader.read(CLIPS, partition, first, end):
            clip = event.message
            name = event.key
            if name not in cameras or not isinstance(clip, Clip) or (name in known and known[name] is None):
                continue
            starts_at, ends_at = from_timestamp(clip.starts_at), min(from_timestamp(clip.ends_at), cameras[name])
            if starts_at < cameras[name] and (name not in found or ends_at > found[name]):
                found[name] = ends_at
        return found
