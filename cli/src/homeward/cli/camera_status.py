"""How cameras are recorded, as their recorders told last."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from google.protobuf.json_format import MessageToDict
from rich.table import Table

from homeward.cli.spans import format_span
from homeward.shared.instants import from_duration, from_timestamp
from homeward.shared.runtime.replay import LogReader
from homeward.shared.topics import CAMERA_STATUS
from homewardapi.camera.v1.camera_status_pb2 import CameraAlarm, CameraState, CameraStatus

LOOK_BACK: Final = timedelta(minutes=10)
"""A recorder tells each camera's status once a minute; what was told no later than this is not worth showing."""

STALE_AFTER: Final = timedelta(minutes=3)
"""Past so much, two tellings in a row did not come."""

_MEBI: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Seen:
    """One camera and its last status; None where no recorder told any of late."""

    camera_id: str
    status: CameraStatus | None


def latest(reader: LogReader, now: datetime) -> dict[str, CameraStatus]:
    """Return the last status of each camera of which one was told of late. Raises LogReadError."""
    found: dict[str, CameraStatus] = {}
    for partition in reader.partitions(CAMERA_STATUS):
        first, end = reader.span(CAMERA_STATUS, partition, now - LOOK_BACK, now)
        for event in reader.read(CAMERA_STATUS, partition, first, end):
            if isinstance(event.message, CameraStatus):
                found[event.key] = event.message
            else:
                found.pop(event.key, None)
    return found


def seen(camera_ids: Iterable[str], told: Mapping[str, CameraStatus]) -> list[Seen]:
    """Return each camera with its status, in order of the ids."""
    return [Seen(camera_id, told.get(camera_id)) for camera_id in sorted(camera_ids)]


def alarms(one: Seen, now: datetime) -> list[str]:
    """Return what an operator should look at, in words."""
    if one.status is None:
        return ["no recorder tells of it"]
    told = [_words(CameraAlarm.Name(alarm), "CAMERA_ALARM_") for alarm in one.status.alarms]
    age = now - from_timestamp(one.status.measured_at)
    return [*told, f"told {format_span(_whole(age))} ago"] if age > STALE_AFTER else told


def status_table(cameras: Sequence[Seen], now: datetime) -> Table:
    """Return a table of cameras; whatever needs a look stands in the last column."""
    table = Table()
    for name in ("camera", "state"):
        table.add_column(name, no_wrap=True)
    for name in ("video", "clock", "lost", "spool", "told up to", "look at"):
        table.add_column(name)
    for one in cameras:
        row = [one.camera_id] + ([""] * 6 if one.status is None else _figures(one.status, now))
        wrong = ", ".join(alarms(one, now))
        table.add_row(*row, f"[red]{wrong}[/]" if wrong else "")
    return table


def as_dict(one: Seen, now: datetime) -> dict[str, Any]:
    """Return a camera's status as JSON-serialisable data."""
    told = None if one.status is None else MessageToDict(one.status, preserving_proto_field_name=True)
    return {"camera_id": one.camera_id, "status": told, "look_at": alarms(one, now)}


def _figures(status: CameraStatus, now: datetime) -> list[str]:
    return [
        _words(CameraState.Name(status.state), "CAMERA_STATE_"),
        _video(status),
        _clock(status),
        str(status.packets_lost) if status.packets_lost else "",
        f"{status.spool_stretches} ({status.spool_bytes / _MEBI:.1f} MiB)" if status.spool_stretches else "",
        f"{format_span(_whole(now - from_timestamp(status.optional_through)))} ago"
        if status.HasField("optional_through")
        else "",
    ]


def _video(status: CameraStatus) -> str:
    if not status.HasField("optional_codec"):
        return ""
    sound = f" + {status.optional_audio_codec}" if status.HasField("optional_audio_codec") else ""
    size = f"{status.optional_width_px}x{status.optional_height_px}"
    rates = f"{status.frames_per_s:.1f} frames/s, {status.bits_per_s / 1000:.0f} kbit/s"
    return f"{status.optional_codec} {size}{sound}, {rates}"


def _clock(status: CameraStatus) -> str:
    if not status.HasField("optional_clock_offset"):
        return ""
    drift = f", {status.optional_clock_drift_ppm:+.0f} ppm" if status.HasField("optional_clock_drift_ppm") else ""
    return f"{from_duration(status.optional_clock_offset).total_seconds():+.3f} s{drift}"


def _whole(span: timedelta) -> timedelta:
    return timedelta(seconds=max(0, round(span.total_seconds())))


def _words(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).lower().replace("_", " ")
