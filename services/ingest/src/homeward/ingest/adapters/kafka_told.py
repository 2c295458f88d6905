"""What was not told of cameras, by the log of clips and the status of cameras."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from homeward.ingest.sharing.claimed_spool import Untold
from homeward.ingest.sharing.handover import ToldLogError
from homeward.shared.clock import Clock
from homeward.shared.coverage import window_coverage
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


_SEAM: Final = timedelta(milliseconds=1)
"""Less between two recorders' stretches is how their epochs are rounded, and no time that somebody owes."""


class KafkaToldLog:
    """The port `ToldLog`. Of each partition it reads the latest statuses, and the clips that came after them.

    A status says that all before an instant is told. Past it the log may have holes: a replica may take a camera, tell
    its own first clips, and be stopped before it has found out what the one before it left.
    """

    def __init__(self, reader: LogReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    def untold_before(self, cameras: Mapping[str, datetime]) -> dict[str, list[Untold]]:
        """Return what of each camera's time before the given instant was not told, past its last status."""
        try:
            found: dict[str, list[Untold]] = {}
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
    ) -> dict[str, list[Untold]]:
        now = self._clock.now()
        told = {name: through for name in cameras if (through := known.get(name)) is not None}
        # A clip is published after it ends: whatever was told past a status came after that instant.
        since = min(told.get(name, min(cameras[name], now) - _UNKNOWN_BACK) for name in cameras)
        clips: dict[str, list[Clip]] = {}
        first, end = self._reader.span(CLIPS, partition, since, now)
        for event in self._reader.read(CLIPS, partition, first, end):
            clip = event.message
            name = event.key
            removed = name in known and known[name] is None
            if name in cameras and not removed and isinstance(clip, Clip):
                clips.setdefault(name, []).append(clip)
        return {
            name: _untold(clips.get(name, []), told.get(name), cameras[name])
            for name in (*told, *(clips.keys() - told))
        }


def _untold(clips: list[Clip], through: datetime | None, before: datetime) -> list[Untold]:
    """Return what `clips` leave out between `through`, without which they begin the account, and `before`."""
    since = through or min(from_timestamp(clip.starts_at) for clip in clips)
    if since >= before:
        return []
    holes = window_coverage(clips, since, before).untold
    return [(hole.starts_at, hole.ends_at) for hole in holes if hole.length >= _SEAM]
