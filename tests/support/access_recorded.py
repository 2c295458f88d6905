"""What is recorded of some cameras, in memory: for the pages of cameras."""

import struct
import zlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from homeward.access.footage.cameras import CameraTable
from homeward.access.footage.footage import Footage
from homeward.access.footage.grants import FootageGate, Grants
from homeward.access.footage.runs import Coverage, RunFold
from homeward.access.people.principal import Principal
from homeward.shared.audit import Audit
from homeward.shared.clock import Clock
from homeward.shared.events import new_event
from homeward.shared.ids import clip_id
from homeward.shared.instants import to_duration, to_timestamp
from homeward.shared.topics import CLIPS
from homewardapi.camera.v1.camera_pb2 import Camera, Source
from homewardapi.clip.v1.clip_pb2 import GAP_CAUSE_SOURCE_LOST, Clip, Gap, GapCause, StoredClip
from support.access_world import database

_SECOND = timedelta(seconds=1)
_ALMOST_AN_HOUR = timedelta(minutes=59)


def recorded(cameras: Iterable[tuple[str, str]], audit: Audit, clock: Clock, viewer: Principal) -> Footage:
    """Return a room of `cameras`, by id and name: each with an hour of footage after a gap, one opened to `viewer`."""
    kept, now = database(), clock.now()
    table, fold, first = CameraTable(), RunFold(kept, clock), ""
    for camera_id, name in cameras:
        first = first or camera_id
        made = Camera(camera_id=camera_id, display_name=name, source=Source(url="rtsp://192.0.2.1/"), enabled=True)
        made.clip_length.FromTimedelta(timedelta(seconds=10))
        table.apply(camera_id, made)
        gap = told(camera_id, now - timedelta(hours=2), _ALMOST_AN_HOUR, GAP_CAUSE_SOURCE_LOST)
        for clip in (gap, told(camera_id, now - timedelta(hours=1), _ALMOST_AN_HOUR)):
            fold.handle(new_event(CLIPS, clip.clip_id, "homeward/ingest", now, clip))
    with kept.begin() as session:
        Grants().give(
            session,
            request_id="00000000-0000-4000-8000-000000000001",
            official_id=viewer.official_id,
            camera_ids=[first],
            starts_at=now - timedelta(hours=1),
            ends_at=now,
            until=now + timedelta(days=3),
            unredacted=False,
            now=now,
        )
    return Footage(table, Coverage(kept), FootageGate(kept, audit, clock), clock)


def picture() -> bytes:
    """Return a plan: two grey dots beside each other, as a PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 2, 1, 8, 0, 0, 0, 0)
    dots = zlib.compress(b"\x00\xc8\xc8")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", dots) + chunk(b"IEND", b"")


def told(
    camera_id: str, starts_at: datetime, length: timedelta, cause: GapCause.ValueType | None = None, epoch: int = 1
) -> Clip:
    """Return what a recorder tells of [starts_at, starts_at + length): footage, or a gap of `cause`."""
    clip = Clip(
        clip_id=clip_id(camera_id, starts_at),
        camera_id=camera_id,
        starts_at=to_timestamp(starts_at),
        ends_at=to_timestamp(starts_at + length),
        optional_epoch=epoch,
    )
    if cause is not None:
        clip.gap.CopyFrom(Gap(cause=cause))
        return clip
    clip.stored.CopyFrom(
        StoredClip(
            object_key="k",
            size_bytes=1,
            sha256=b"1",
            codec="h264",
            width_px=1,
            height_px=1,
            frame_count=1,
            key_frame_count=1,
            key_frame_interval=to_duration(_SECOND),
        )
    )
    return clip
