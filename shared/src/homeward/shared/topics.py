"""Every topic: its name, message, key, partitions, retention and compaction. The one place where they stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from google.protobuf.message import Message

from homewardapi.audit.v1.audit_pb2 import AuditRecord
from homewardapi.authorisation.v1.authorisation_pb2 import Authorisation
from homewardapi.camera.v1.camera_pb2 import Camera
from homewardapi.camera.v1.camera_status_pb2 import CameraStatus
from homewardapi.clip.v1.clip_pb2 import Clip
from homewardapi.deadletter.v1.dead_letter_pb2 import DeadLetter
from homewardapi.deletion.v1.deletion_pb2 import Deletion
from homewardapi.face.v1.face_pb2 import ClipFaces
from homewardapi.hold.v1.hold_pb2 import Hold
from homewardapi.search.v1.search_pb2 import SearchTask
from homewardapi.sighting.v1.sighting_pb2 import Sighting

FOOTAGE_RETENTION: Final = timedelta(days=30)
"""How long footage, crops and the messages that describe them live (DESIGN, invariant 8)."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic.

    `key_field` is the message's field that is the Kafka key. `retention` is None where the topic is compacted and
    so keeps the last message of each key. `max_message_bytes` bounds one message.
    """

    name: str
    message: type[Message]
    key_field: str
    partitions: int
    retention: timedelta | None
    summary: str
    max_message_bytes: int = 1024 * 1024

    @property
    def compacted(self) -> bool:
        """Whether the topic keeps the last message of each key rather than a span of time."""
        return self.retention is None

    @property
    def event_type(self) -> str:
        """The CloudEvents type of its messages: the full name of the Protobuf message."""
        return self.message.DESCRIPTOR.full_name

    @property
    def config(self) -> Mapping[str, str]:
        """The topic's configuration in Kafka's own terms."""
        common = {"max.message.bytes": str(self.max_message_bytes)}
        if self.retention is None:
            # Kafka compacts what is not being written any more: with its own segments of a week, a state told each
            # minute would stand there ten thousand times.
            return {**common, "cleanup.policy": "compact", "segment.ms": "3600000"}
        milliseconds = int(self.retention.total_seconds() * 1000)
        # Kafka deletes whole segments: with segments of a day, nothing outlives its retention by more than one.
        return {**common, "cleanup.policy": "delete", "retention.ms": str(milliseconds), "segment.ms": "86400000"}


CAMERAS: Final = Topic(
    "homeward.cameras.v1", Camera, "camera_id", 24, None, "The wanted state of each camera; no value removes it."
)
CAMERA_STATUS: Final = Topic(
    "homeward.camera-status.v1", CameraStatus, "camera_id", 24, None, "How each camera's recording goes, once a minute."
)
CLIPS: Final = Topic(
    "homeward.clips.v1", Clip, "camera_id", 24, FOOTAGE_RETENTION, "Each stretch of a camera's time: footage or a gap."
)
FACES: Final = Topic(
    "homeward.faces.v1",
    ClipFaces,
    "camera_id",
    24,
    FOOTAGE_RETENTION,
    "Where faces are in each clip, with references to their crops; never whose they are.",
    # A hundred faces in each of sixty key frames is about 400 kB.
    max_message_bytes=4 * 1024 * 1024,
)
AUTHORISATIONS: Final = Topic(
    "homeward.authorisations.v1", Authorisation, "authorisation_id", 6, None, "The state of each authorisation."
)
SEARCH_TASKS: Final = Topic(
    "homeward.search-tasks.v1",
    SearchTask,
    "task_id",
    24,
    FOOTAGE_RETENTION,
    "A search's plan, its tasks and their results.",
)
SIGHTINGS: Final = Topic(
    "homeward.sightings.v1",
    Sighting,
    "authorisation_id",
    6,
    FOOTAGE_RETENTION,
    "Where the person of an authorisation may have been seen: questions for review.",
)
HOLDS: Final = Topic("homeward.holds.v1", Hold, "hold_id", 6, None, "Footage that must outlive its retention.")
DELETIONS: Final = Topic(
    "homeward.deletions.v1",
    Deletion,
    "deletion_id",
    6,
    timedelta(days=730),
    "What was deleted, checked by listing.",
)
AUDIT: Final = Topic(
    "homeward.audit.v1",
    AuditRecord,
    "record_id",
    # One, so that its order is total.
    1,
    timedelta(days=730),
    "Who did what, told before it takes effect.",
)
DEAD_LETTERS: Final = Topic(
    "homeward.dead-letters.v1",
    DeadLetter,
    "dead_letter_id",
    6,
    FOOTAGE_RETENTION,
    "Messages that no retry can mend, as they came.",
    # It holds the refused message whole, so it must be wider than any other topic.
    max_message_bytes=6 * 1024 * 1024,
)

TOPICS: Final[Mapping[str, Topic]] = MappingProxyType(
    {
        topic.name: topic
        for topic in (
            CAMERAS,
            CAMERA_STATUS,
            CLIPS,
            FACES,
            AUTHORISATIONS,
            SEARCH_TASKS,
            SIGHTINGS,
            HOLDS,
            DELETIONS,
            AUDIT,
            DEAD_LETTERS,
        )
    }
)
