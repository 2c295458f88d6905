"""What is told of one camera each minute: its state, its figures over the minute, its alarms. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from homeward.ingest.cameras.schedule import Schedule
from homeward.ingest.media.clockdrift import ClockLimits, Reading
from homeward.ingest.media.stretches import Stretch
from homeward.ingest.status.figures import CameraFigures, Connection, Counts
from homeward.shared.instants import to_duration, to_timestamp
from homewardapi.camera.v1 import camera_status_pb2
from homewardapi.camera.v1.camera_status_pb2 import CameraAlarm, CameraState, CameraStatus


class Standing(Enum):
    """What the description of a camera asks for."""

    WANTED = "wanted"
    DISABLED = "disabled"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class OwnedCamera:
    """A camera that this replica answers for.

    `live` is False for a recording. `epoch` is that of its recording, None where none is counted.
    """

    standing: Standing
    live: bool = True
    schedule: Schedule | None = None
    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What of a camera waits in the spool; `begins_at` is None where nothing does."""

    stretches: int = 0
    size_bytes: int = 0
    begins_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rates:
    """What came over a span of time. `whole` tells that the span is a minute or more."""

    bits_per_s: int = 0
    frames_per_s: float = 0.0
    packets_lost: int = 0
    whole: bool = False

    @classmethod
    def between(cls, before: Counts, after: Counts, seconds: float, *, whole: bool) -> "Rates":
        """Return what came from `before` to `after`, `seconds` later; nothing over no time."""
        if seconds <= 0:
            return cls(whole=whole)
        return cls(
            bits_per_s=round((after.bits - before.bits) / seconds),
            frames_per_s=(after.frames - before.frames) / seconds,
            packets_lost=after.packets_lost - before.packets_lost,
            whole=whole,
        )


@dataclass(frozen=True, slots=True)
class Measurement:
    """One camera at one moment."""

    camera_id: str
    at: datetime
    state: CameraState.ValueType
    rates: Rates
    connection: Connection | None
    clock: Reading
    waiting: Waiting
    last_clip: Stretch | None
    through: datetime | None
    epoch: int | None
    alarms: tuple[CameraAlarm.ValueType, ...]

    def message(self) -> CameraStatus:
        """Return it as it is published."""
        status = CameraStatus(
            camera_id=self.camera_id,
            measured_at=to_timestamp(self.at),
            state=self.state,
            optional_epoch=self.epoch,
            bits_per_s=self.rates.bits_per_s,
            frames_per_s=self.rates.frames_per_s,
            optional_clock_drift_ppm=self.clock.drift_ppm,
            packets_lost=self.rates.packets_lost,
            spool_stretches=self.waiting.stretches,
            spool_bytes=self.waiting.size_bytes,
            alarms=self.alarms,
        )
        if self.connection is not None:
            status.optional_codec = self.connection.codec
            status.optional_width_px = self.connection.width_px
            status.optional_height_px = self.connection.height_px
            if self.connection.audio_codec is not None:
                status.optional_audio_codec = self.connection.audio_codec
        if self.clock.offset is not None:
            status.optional_clock_offset.CopyFrom(to_duration(self.clock.offset))
        if self.last_clip is not None:
            status.optional_last_clip_id = self.last_clip.clip_id
        if self.through is not None:
            status.optional_through.CopyFrom(to_timestamp(self.through))
        return status


def state_of(camera: OwnedCamera, at: datetime, *, connected: bool, done: bool) -> CameraState.ValueType:
    """Return what the camera's recorder does at `at`; `done` tells that a recording was read to its end."""
    if camera.standing is Standing.DISABLED:
        return camera_status_pb2.CAMERA_STATE_DISABLED
    if camera.standing is Standing.REFUSED:
        return camera_status_pb2.CAMERA_STATE_REFUSED
    if connected:
        return camera_status_pb2.CAMERA_STATE_RECORDING
    if done:
        return camera_status_pb2.CAMERA_STATE_DONE
    if camera.schedule is not None and not camera.schedule.records_at(at):
        return camera_status_pb2.CAMERA_STATE_OFF_SCHEDULE
    return camera_status_pb2.CAMERA_STATE_CONNECTING


def measure(
    camera_id: str,
    camera: OwnedCamera,
    figures: CameraFigures,
    *,
    at: datetime,
    state: CameraState.ValueType,
    rates: Rates,
    waiting: Waiting,
    last_clip: Stretch | None,
    told_through: datetime | None,
    spool_filling: bool,
    limits: ClockLimits,
) -> Measurement:
    """Return the camera as it is now.

    `last_clip` is the last one announced, `told_through` up to when all of the camera's time is told.
    """
    clock = figures.camera_clock
    alarms = tuple(_alarms(state, rates, clock, limits))
    if spool_filling:
        alarms = (*alarms, camera_status_pb2.CAMERA_ALARM_SPOOL_FILLING)
    return Measurement(
        camera_id=camera_id,
        at=at,
        state=state,
        rates=rates,
        connection=figures.connection,
        clock=clock,
        waiting=waiting,
        last_clip=last_clip,
        through=told_through,
        epoch=camera.epoch,
        alarms=alarms,
    )


def _alarms(
    state: CameraState.ValueType, rates: Rates, clock: Reading, limits: ClockLimits
) -> Iterator[CameraAlarm.ValueType]:
    trying = state in (camera_status_pb2.CAMERA_STATE_CONNECTING, camera_status_pb2.CAMERA_STATE_RECORDING)
    if trying and rates.whole and rates.frames_per_s == 0:
        yield camera_status_pb2.CAMERA_ALARM_NOT_RECORDED
    for alarm in sorted(limits.alarms(clock), key=lambda one: one.name):
        yield CameraAlarm.Value(f"CAMERA_ALARM_CLOCK_{alarm.name}")
    if rates.packets_lost:
        yield camera_status_pb2.CAMERA_ALARM_PACKETS_LOST
