"""Stretches of a camera's time, as they are spooled and announced."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from homeward.ingest.media.coverage import Cause
from homeward.ingest.media.timeline import TimeSource
from homeward.shared.events import Event, new_event
from homeward.shared.ids import clip_id
from homeward.shared.instants import to_duration, to_timestamp
from homeward.shared.objectkeys import footage_key
from homeward.shared.topics import CLIPS
from homewardapi.clip.v1.clip_pb2 import Clip, Gap, GapCause, StoredClip
from homewardapi.clip.v1.clip_pb2 import TimeSource as ProtoTimeSource

SOURCE = "homeward/ingest"


@dataclass(frozen=True, slots=True)
class Footage:
    """What is known of a finished clip. `sha256` is in lower-case hexadecimal."""

    size_bytes: int
    sha256: str
    codec: str
    width_px: int
    height_px: int
    frame_count: int
    key_frame_count: int
    key_frame_interval: timedelta
    audio_codec: str | None = None
    time_source: str | None = None
    """The value of a TimeSource; None in what was spooled before there was one."""


@dataclass(frozen=True, slots=True)
class Claim:
    """By what right a stretch is told: the epoch of the camera's partition under which it came about.

    It may be told when no other owner has taken the partition before `until`: the stretch's end, or for what was
    recorded earlier, the time at which it was read.
    """

    partition: int
    epoch: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stretch of one camera's time: footage or the cause of its absence.

    `claim` is None in what was spooled where cameras are not shared out.
    """

    camera_id: str
    starts_at: datetime
    ends_at: datetime
    outcome: Footage | Cause
    claim: Claim | None = None

    @property
    def clip_id(self) -> str:
        """The id, derived from the camera and the start."""
        return clip_id(self.camera_id, self.starts_at)

    @property
    def object_key(self) -> str:
        """The footage's key in the bucket footage."""
        return footage_key(self.camera_id, self.starts_at, self.clip_id)

    def given_up(self) -> "Stretch":
        """Return the stretch without its footage, for which the spool had no room."""
        return replace(self, outcome=Cause.SPOOL_OVERFLOW)

    def told_until(self, at: datetime) -> "Stretch | None":
        """Return the part of a live stretch before `at`; None where there is none, or where it tells of earlier time.

        Its footage may reach further: what lies past `at` is told by another recorder.
        """
        if self.claim is None or self.claim.until != self.ends_at or at <= self.starts_at:
            return None
        return replace(self, ends_at=at, claim=replace(self.claim, until=at))

    def event(self) -> Event:
        """Return the announcement. Its id and its time follow from the stretch, so that a repeat is the same."""
        message = Clip(
            clip_id=self.clip_id,
            camera_id=self.camera_id,
            starts_at=to_timestamp(self.starts_at),
            ends_at=to_timestamp(self.ends_at),
            optional_epoch=None if self.claim is None else self.claim.epoch,
        )
        if isinstance(self.outcome, Cause):
            message.gap.CopyFrom(Gap(cause=GapCause.Value(f"GAP_CAUSE_{self.outcome.name}")))
        else:
            source = self.outcome.time_source
            message.stored.CopyFrom(
                StoredClip(
                    object_key=self.object_key,
                    size_bytes=self.outcome.size_bytes,
                    sha256=bytes.fromhex(self.outcome.sha256),
                    codec=self.outcome.codec,
                    width_px=self.outcome.width_px,
                    height_px=self.outcome.height_px,
                    frame_count=self.outcome.frame_count,
                    key_frame_count=self.outcome.key_frame_count,
                    key_frame_interval=to_duration(self.outcome.key_frame_interval),
                    optional_audio_codec=self.outcome.audio_codec,
                    optional_time_source=None
                    if source is None
                    else ProtoTimeSource.Value(f"TIME_SOURCE_{TimeSource(source).name}"),
                )
            )
        return new_event(CLIPS, self.clip_id, SOURCE, self.ends_at, message)
