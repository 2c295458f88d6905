"""The use case: a clip in, its faces out."""

import io
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import BinaryIO, Final, cast

from homeward.detection.crops import PlacedCrop, pack
from homeward.detection.faces import FoundFace
from homeward.detection.metrics import DetectionMetrics
from homeward.detection.ports import ClipReader, FaceFinder, UnreadableClipError
from homeward.detection.sampling import SamplingPlan
from homeward.detection.search import FollowedFace, SearchedClip, SearchRules
from homeward.detection.videos import search_video
from homeward.shared.clock import Clock
from homeward.shared.events import Event, InvalidEventError, new_event
from homeward.shared.ids import faces_event_id
from homeward.shared.instants import from_duration, from_timestamp, to_timestamp
from homeward.shared.objectkeys import CROPS_BUCKET, FOOTAGE_BUCKET, crops_key, footage_key
from homeward.shared.objectstore.port import ObjectNotFoundError, ObjectStore, ObjectStoreUnavailableError
from homeward.shared.runtime.handler import RetryableError
from homeward.shared.topics import FACES
from homewardapi.clip.v1.clip_pb2 import Clip
from homewardapi.face.v1.face_pb2 import Appearance, Box, ClipFaces, Crop, DetectionOutcome, Face
from homewardapi.model.v1.model_pb2 import ModelRef

SOURCE: Final = "homeward/detection"

_IN_MEMORY_BYTES: Final = 16 * 1024 * 1024
"""A clip up to this size never touches the disk; a larger one lies in a file without a name, gone with the process."""


class DetectionHandler:
    """Finds the faces of stored clips."""

    def __init__(
        self,
        *,
        store: ObjectStore,
        reader: ClipReader,
        finder: FaceFinder,
        rules: SearchRules,
        dense: timedelta,
        metrics: DetectionMetrics,
        clock: Clock,
    ) -> None:
        """`dense` is the longest time between key frames at which nothing else is decoded."""
        self._store = store
        self._reader = reader
        self._finder = finder
        self._rules = rules
        self._dense = dense
        self._metrics = metrics
        self._clock = clock

    def handle(self, event: Event) -> Sequence[Event]:
        """Return the faces of a stored clip, or nothing for a gap.

        A clip that is gone or cannot be decoded is answered as unreadable. Raises RetryableError when the store is
        away, InvalidEventError when the clip's key is not its own.
        """
        clip = event.message
        if not isinstance(clip, Clip):
            raise InvalidEventError("the event is not a clip")
        if clip.WhichOneof("outcome") != "stored":
            return []
        if clip.stored.object_key != footage_key(clip.camera_id, from_timestamp(clip.starts_at), clip.clip_id):
            # Another camera's footage must not be searched under this one's name: authorisations name cameras.
            raise InvalidEventError("the clip's object_key is not the one of its camera, start and id")
        began = self._clock.monotonic()
        message = self._faces(clip)
        self._metrics.clip(message, self._clock.monotonic() - began)
        return [new_event(FACES, faces_event_id(clip.clip_id), SOURCE, self._clock.now(), message)]

    def _faces(self, clip: Clip) -> ClipFaces:
        message = ClipFaces(
            clip_id=clip.clip_id,
            camera_id=clip.camera_id,
            starts_at=clip.starts_at,
            ends_at=clip.ends_at,
            detector=ModelRef(name=self._finder.name, sha256=self._finder.sha256),
            outcome=DetectionOutcome.DETECTION_OUTCOME_UNREADABLE,
        )
        with _scratch(clip.stored.size_bytes) as video:
            try:
                self._store.download(FOOTAGE_BUCKET, clip.stored.object_key, video)
                searched, whole = self._search(clip, video)
            except (ObjectNotFoundError, UnreadableClipError):
                return message
            except ObjectStoreUnavailableError as error:
                raise RetryableError(f"the footage of clip {clip.clip_id} cannot be read now") from error
        message.outcome = (
            DetectionOutcome.DETECTION_OUTCOME_COMPLETE if whole else DetectionOutcome.DETECTION_OUTCOME_PARTIAL
        )
        message.frames_sampled, message.frames_still = searched.frames_sampled, searched.frames_still
        self._add_faces(message, clip, searched.faces)
        return message

    def _search(self, clip: Clip, video: BinaryIO) -> tuple[SearchedClip, bool]:
        """Return what was found and whether the clip was whole."""
        plan = SamplingPlan.of(
            key_frame_interval=from_duration(clip.stored.key_frame_interval),
            interval_s=self._rules.interval_s,
            dense=self._dense,
        )
        read = search_video(video, self._reader, plan, self._finder, self._rules)
        if read.looked_closer:
            self._metrics.looked_closer()
        # A file that breaks off reads without an error: only the count tells.
        return read.searched, read.damaged == 0 and read.packets >= clip.stored.frame_count

    def _add_faces(self, message: ClipFaces, clip: Clip, faces: Sequence[FollowedFace]) -> None:
        starts_at = from_timestamp(clip.starts_at)
        data, placed = pack(face.keeper.best() for face in faces)
        message.faces.extend(
            Face(
                face_index=index,
                appearances=[_appearance(starts_at, at_s, found) for at_s, found in face.appearances],
                crops=[_crop(starts_at, crop) for crop in crops],
            )
            for index, (face, crops) in enumerate(zip(faces, placed, strict=True))
        )
        if not data:
            return
        key = crops_key(clip.camera_id, starts_at, clip.clip_id)
        try:
            self._store.put(CROPS_BUCKET, key, data)
        except ObjectStoreUnavailableError as error:
            raise RetryableError(f"the crops of clip {clip.clip_id} cannot be written now") from error
        message.optional_crops_key = key


def _scratch(size_bytes: int) -> BinaryIO:
    """Return an empty file for a clip of `size_bytes`, gone once it is closed."""
    return io.BytesIO() if size_bytes <= _IN_MEMORY_BYTES else cast("BinaryIO", tempfile.TemporaryFile())


def _appearance(starts_at: datetime, at_s: float, found: FoundFace) -> Appearance:
    box = Box(left_px=found.box.left, top_px=found.box.top, width_px=found.box.width, height_px=found.box.height)
    return Appearance(at=to_timestamp(starts_at + timedelta(seconds=at_s)), box=box, score=found.score)


def _crop(starts_at: datetime, crop: PlacedCrop) -> Crop:
    return Crop(
        offset_bytes=crop.offset_bytes,
        length_bytes=crop.length_bytes,
        at=to_timestamp(starts_at + timedelta(seconds=crop.candidate.at_s)),
        quality=crop.candidate.quality,
        face_width_px=crop.candidate.width_px,
    )
