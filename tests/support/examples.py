"""One full, valid message of every topic, as its producer would publish it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

from google.protobuf.message import Message

from homeward.shared import ids, objectkeys
from homeward.shared.events import Event, new_event
from homeward.shared.instants import to_duration, to_timestamp
from homeward.shared.topics import (
    AUDIT,
    AUTHORISATIONS,
    CAMERA_STATUS,
    CAMERAS,
    CLIPS,
    DEAD_LETTERS,
    DELETIONS,
    FACES,
    HOLDS,
    SEARCH_TASKS,
    SIGHTINGS,
    Topic,
)
from homewardapi.audit.v1.audit_pb2 import AUDIT_ACTION_REQUEST_APPROVED, AUDIT_OUTCOME_ALLOWED, AuditRecord
from homewardapi.authorisation.v1.authorisation_pb2 import AUTHORISATION_STATE_OPEN, Authorisation
from homewardapi.camera.v1.camera_pb2 import PACE_LIVE, Camera, Recording, Source
from homewardapi.camera.v1.camera_status_pb2 import CAMERA_STATE_RECORDING, CameraStatus
from homewardapi.clip.v1.clip_pb2 import Clip, StoredClip
from homewardapi.deadletter.v1.dead_letter_pb2 import DeadLetter, Header
from homewardapi.deletion.v1.deletion_pb2 import DELETED_STORE_FOOTAGE, DELETION_REASON_RETENTION, Deletion
from homewardapi.face.v1.face_pb2 import (
    DETECTION_OUTCOME_COMPLETE,
    Appearance,
    Box,
    ClipFaces,
    Crop,
    Face,
)
from homewardapi.hold.v1.hold_pb2 import HOLD_STATE_PLACED, Hold
from homewardapi.model.v1.model_pb2 import ModelRef
from homewardapi.search.v1.search_pb2 import SearchTask, TaskAssigned
from homewardapi.sighting.v1.sighting_pb2 import SEARCH_MODE_ARCHIVE, Sighting

STARTS_AT: Final = datetime(2026, 11, 23, 20, 50, tzinfo=UTC)
ENDS_AT: Final = STARTS_AT + timedelta(seconds=10)
CAMERA_ID: Final = "north-gate"
CLIP_ID: Final = ids.clip_id(CAMERA_ID, STARTS_AT)
CROPS_KEY: Final = objectkeys.crops_key(CAMERA_ID, STARTS_AT, CLIP_ID)
AUTHORISATION_ID: Final = ids.derived_id("example", "authorisation")

_START = to_timestamp(STARTS_AT)
_END = to_timestamp(ENDS_AT)
_MODEL = ModelRef(name="mobilefacenet", sha256="d8ba40c0127fb8ca9917e8fddc79bbbda063657bc92a496d34da0bc8a760443b")
_BOX = Box(left_px=100.5, top_px=80.25, width_px=64, height_px=72)
_CROP = Crop(offset_bytes=0, length_bytes=8192, at=_START, quality=0.75, face_width_px=64)

MESSAGES: Final[Mapping[Topic, Message]] = MappingProxyType(
    {
        CAMERAS: Camera(
            camera_id=CAMERA_ID,
            display_name="North gate",
            source=Source(
                url="file:///footage/north-gate.mp4",
                optional_credentials_ref="north-gate",
                optional_recording=Recording(starts_at=_START, pace=PACE_LIVE),
            ),
            clip_length=to_duration(timedelta(seconds=10)),
            enabled=True,
            changed_at=_START,
        ),
        CAMERA_STATUS: CameraStatus(
            camera_id=CAMERA_ID,
            measured_at=_END,
            state=CAMERA_STATE_RECORDING,
            optional_epoch=3,
            bits_per_s=4_000_000,
            frames_per_s=25,
            optional_codec="h264",
            optional_width_px=1920,
            optional_height_px=1080,
            optional_clock_offset=to_duration(timedelta(milliseconds=120)),
            optional_clock_drift_ppm=12.5,
            spool_stretches=1,
            spool_bytes=5_000_000,
            optional_last_clip_id=CLIP_ID,
            optional_through=_END,
        ),
        CLIPS: Clip(
            clip_id=CLIP_ID,
            camera_id=CAMERA_ID,
            starts_at=_START,
            ends_at=_END,
            stored=StoredClip(
                object_key=objectkeys.footage_key(CAMERA_ID, STARTS_AT, CLIP_ID),
                size_bytes=5_000_000,
                sha256=bytes(range(32)),
                codec="h264",
                width_px=1920,
                height_px=1080,
                frame_count=250,
                key_frame_count=10,
                key_frame_interval=to_duration(timedelta(seconds=1)),
            ),
        ),
        FACES: ClipFaces(
            clip_id=CLIP_ID,
            camera_id=CAMERA_ID,
            starts_at=_START,
            ends_at=_END,
            faces=[Face(face_index=0, appearances=[Appearance(at=_START, box=_BOX, score=0.9)], crops=[_CROP])],
            optional_crops_key=CROPS_KEY,
            frames_sampled=20,
            frames_still=20,
            detector=ModelRef(name="blazeface-full-range", sha256="99" * 32),
            outcome=DETECTION_OUTCOME_COMPLETE,
        ),
        AUTHORISATIONS: Authorisation(
            authorisation_id=AUTHORISATION_ID,
            state=AUTHORISATION_STATE_OPEN,
            optional_token="header.payload.signature",  # noqa: S106 - the shape of a token, and not one
            changed_at=_START,
        ),
        SEARCH_TASKS: SearchTask(
            task_id=ids.search_message_id(AUTHORISATION_ID, "task", 3, 0),
            authorisation_id=AUTHORISATION_ID,
            assigned=TaskAssigned(faces_partition=3, first_offset=0, end_offset=500),
        ),
        SIGHTINGS: Sighting(
            sighting_id=ids.sighting_id(AUTHORISATION_ID, CLIP_ID, 0),
            authorisation_id=AUTHORISATION_ID,
            camera_id=CAMERA_ID,
            clip_id=CLIP_ID,
            face_index=0,
            first_seen_at=_START,
            last_seen_at=_END,
            crops_key=CROPS_KEY,
            crop=_CROP,
            box=_BOX,
            score=0.75,
            threshold=0.5,
            embedder=_MODEL,
            mode=SEARCH_MODE_ARCHIVE,
            found_at=_END,
        ),
        HOLDS: Hold(
            hold_id=ids.derived_id("example", "hold"),
            camera_ids=[CAMERA_ID],
            starts_at=_START,
            ends_at=_END,
            state=HOLD_STATE_PLACED,
            expires_at=to_timestamp(STARTS_AT + timedelta(days=60)),
            changed_at=_START,
        ),
        DELETIONS: Deletion(
            deletion_id=ids.derived_id("example", "deletion"),
            reason=DELETION_REASON_RETENTION,
            store=DELETED_STORE_FOOTAGE,
            prefix="2026-10-24/",
            objects_deleted=8640,
            bytes_deleted=43_200_000_000,
            objects_remaining=0,
            deleted_at=_START,
        ),
        AUDIT: AuditRecord(
            record_id=ids.derived_id("example", "audit"),
            actor_id=ids.derived_id("example", "official"),
            action=AUDIT_ACTION_REQUEST_APPROVED,
            outcome=AUDIT_OUTCOME_ALLOWED,
            recorded_at=_START,
            optional_request_id=AUTHORISATION_ID,
            optional_authorisation_id=AUTHORISATION_ID,
            optional_purpose="missing_person",
            optional_digest="ab" * 32,
        ),
        DEAD_LETTERS: DeadLetter(
            dead_letter_id=ids.dead_letter_id("detection", CLIPS.name, 7, 42),
            consumer_group="detection",
            topic=CLIPS.name,
            partition=7,
            offset=42,
            optional_key=b"north-gate",
            optional_value=b"\xff\x00poison",
            headers=[Header(name="ce_id", optional_value=b"1"), Header(name="empty")],
            optional_event_id="1",
            error="the value is not a homewardapi.clip.v1.Clip",
            refused_at=_START,
        ),
    }
)


def example(topic: Topic) -> Event:
    """Return the example event of `topic`."""
    return new_event(topic, ids.derived_id("example", topic.name), "homeward/example", STARTS_AT, MESSAGES[topic])
