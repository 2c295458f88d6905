import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, BinaryIO

import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from homeward.detection.faces import FoundFace
from homeward.detection.handler import DetectionHandler
from homeward.detection.metrics import DetectionMetrics
from homeward.detection.motion import Activity
from homeward.detection.ports import Frame, OpenClip, UnreadableClipError
from homeward.detection.sampling import SamplingPlan
from homeward.detection.search import SearchRules
from homeward.shared.clock import SystemClock
from homeward.shared.events import Event, InvalidEventError, decode, encode, new_event
from homeward.shared.ids import clip_id, faces_event_id
from homeward.shared.instants import from_timestamp, to_duration, to_timestamp
from homeward.shared.objectkeys import CROPS_BUCKET, FOOTAGE_BUCKET, ClipKey, footage_key
from homeward.shared.objectstore.memory_store import MemoryStore
from homeward.shared.objectstore.port import ObjectStoreUnavailableError
from homeward.shared.runtime.handler import RetryableError
from homeward.shared.topics import CLIPS, FACES
from homeward.shared.vision.jpeg import decode_picture
from homewardapi.clip.v1.clip_pb2 import GAP_CAUSE_SOURCE_LOST, Clip, Gap, StoredClip
from homewardapi.face.v1.face_pb2 import ClipFaces, DetectionOutcome

MakeFace = Callable[..., FoundFace]

_START = datetime(2026, 11, 23, 23, 59, 58, tzinfo=UTC)
_VIDEO = b"a video"


@dataclass
class _Reader:
    """Plays pictures as the clip, whatever the object holds."""

    pictures: list[NDArray[np.uint8]]
    damaged: int = 0
    packets: int = 100
    calm: int = 0
    error: UnreadableClipError | None = None
    plans: list[SamplingPlan] = field(default_factory=list)
    videos: list[BinaryIO] = field(default_factory=list)

    @contextmanager
    def open(self, video: BinaryIO, plan: SamplingPlan) -> Iterator[OpenClip]:
        assert video.read() == _VIDEO
        self.plans.append(plan)
        self.videos.append(video)
        yield self

    def frames(self) -> Iterator[Frame]:
        if self.error is not None:
            raise self.error
        for index, picture in enumerate(self.pictures):
            yield Frame(index / 4, due=True, luma=picture[:, :, 0], rgb=partial(np.asarray, picture))


class _Finder:
    name = "scripted"
    sha256 = "ab" * 32

    def __init__(self, faces: list[FoundFace]) -> None:
        self.faces = faces
        self.from_search: dict[int, list[FoundFace]] = {}
        self.searches = 0

    def find(self, picture: NDArray[np.uint8], activity: Activity) -> list[FoundFace]:  # noqa: ARG002 - the port
        self.searches += 1
        self.faces = self.from_search.get(self.searches, self.faces)
        return self.faces

    def close(self) -> None:
        pass


class _AwayStore(MemoryStore):
    """A store of which one operation is away."""

    def __init__(self, operation: str) -> None:
        super().__init__(SystemClock())
        self.operation = operation

    def download(self, *args: Any, **kwargs: Any) -> Any:
        if self.operation == "download":
            raise ObjectStoreUnavailableError("away")
        return super().download(*args, **kwargs)

    def put(self, bucket: str, *args: Any, **kwargs: Any) -> Any:
        if self.operation == "put" and bucket == CROPS_BUCKET:
            raise ObjectStoreUnavailableError("away")
        return super().put(bucket, *args, **kwargs)


def _clip(**changes: Any) -> Clip:
    camera = "north-gate"
    identity = clip_id(camera, _START)
    stored = StoredClip(
        object_key=footage_key(camera, _START, identity),
        size_bytes=len(_VIDEO),
        sha256=hashlib.sha256(_VIDEO).digest(),
        codec="h264",
        width_px=640,
        height_px=360,
        frame_count=100,
        key_frame_count=4,
        key_frame_interval=to_duration(timedelta(seconds=1)),
    )
    clip = Clip(
        clip_id=identity,
        camera_id=camera,
        starts_at=to_timestamp(_START),
        ends_at=to_timestamp(_START + timedelta(seconds=4)),
        stored=stored,
    )
    for name, value in changes.items():
        setattr(clip.stored, name, value)
    return clip


def _event(clip: Clip) -> Event:
    return new_event(CLIPS, clip.clip_id, "homeward/ingest", _START, clip)


class _World:
    def __init__(self, faces: list[FoundFace], reader: _Reader, store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore(SystemClock())
        for bucket in (FOOTAGE_BUCKET, CROPS_BUCKET):
            self.store.ensure_bucket(bucket)
        self.reader = reader
        self.registry = CollectorRegistry()
        rules = SearchRules(
            interval_s=0.25,
            motion_threshold=8,
            motion_memory_s=60,
            longest_gap_s=0.8,
            least_quality=0.12,
            single_score=0.65,
            crops_per_face=3,
            ample_px=32,
        )
        self.handler = DetectionHandler(
            store=self.store,
            reader=reader,
            finder=_Finder(faces),
            rules=rules,
            dense=timedelta(seconds=2),
            metrics=DetectionMetrics(self.registry),
            clock=SystemClock(),
        )

    def handle(self, clip: Clip, *, stored: bool = True) -> ClipFaces:
        if stored:
            self.store.put(FOOTAGE_BUCKET, clip.stored.object_key, _VIDEO)
        (event,) = self.handler.handle(_event(clip))
        record = encode(event)
        message = decode(FACES, record.key, record.value, record.headers).message
        assert event.event_id == faces_event_id(clip.clip_id)
        assert isinstance(message, ClipFaces)
        return message

    def crops(self) -> list[str]:
        return [info.key for info in self.store.list(CROPS_BUCKET)]


@pytest.fixture
def reader(texture: NDArray[np.uint8]) -> _Reader:
    return _Reader([texture] * 8)


@pytest.fixture
def world(make_face: MakeFace, reader: _Reader) -> _World:
    return _World([make_face(200, 150, 80), make_face(450, 200, 14)], reader)


def test_faces_are_told_with_boxes_times_and_crops(world: _World) -> None:
    answer = world.handle(_clip())
    assert answer.outcome == DetectionOutcome.DETECTION_OUTCOME_COMPLETE
    assert (answer.detector.name, answer.detector.sha256) == ("scripted", "ab" * 32)
    assert [face.face_index for face in answer.faces] == [0, 1]
    clear, poor = answer.faces
    times = [from_timestamp(appearance.at) for appearance in clear.appearances]
    assert times == [_START + timedelta(seconds=index / 4) for index in range(8)]
    assert clear.appearances[0].box.width_px == pytest.approx(96)
    assert len(clear.crops) == 3
    assert len(poor.crops) == 0
    assert clear.crops[0].face_width_px == 80


def test_every_crop_reference_leads_to_an_aligned_picture(world: _World) -> None:
    answer = world.handle(_clip())
    key = ClipKey.parse(answer.optional_crops_key)
    assert (key.camera_id, key.starts_at, key.clip_id, key.suffix) == ("north-gate", _START, answer.clip_id, "crops")
    data = world.store.get(CROPS_BUCKET, answer.optional_crops_key)
    crops = [crop for face in answer.faces for crop in face.crops]
    assert sum(crop.length_bytes for crop in crops) == len(data)
    for crop in crops:
        picture = decode_picture(data[crop.offset_bytes : crop.offset_bytes + crop.length_bytes], 10**6)
        assert picture.shape == (176, 176, 3)


def test_handling_twice_gives_the_same(world: _World) -> None:
    first = world.handle(_clip())
    data = world.store.get(CROPS_BUCKET, first.optional_crops_key)
    assert world.handle(_clip()) == first
    assert world.store.get(CROPS_BUCKET, first.optional_crops_key) == data
    assert len(world.crops()) == 1


def test_a_clip_without_faces_is_told_and_stores_nothing(reader: _Reader) -> None:
    world = _World([], reader)
    answer = world.handle(_clip())
    assert answer.outcome == DetectionOutcome.DETECTION_OUTCOME_COMPLETE
    assert (answer.frames_sampled, answer.frames_still) == (1, 7)
    assert not answer.HasField("optional_crops_key")
    assert world.crops() == []


def test_what_was_not_even_decoded_counts_as_still(reader: _Reader) -> None:
    reader.calm = 5
    answer = _World([], reader).handle(_clip())
    assert (answer.frames_sampled, answer.frames_still) == (1, 12)


def test_poor_faces_alone_store_nothing(make_face: MakeFace, reader: _Reader) -> None:
    world = _World([make_face(450, 200, 14)], reader)
    answer = world.handle(_clip())
    assert len(answer.faces) == 1
    assert not answer.HasField("optional_crops_key")
    assert world.crops() == []


def test_a_face_that_key_frames_show_poorly_is_looked_for_in_the_frames_between(
    make_face: MakeFace, reader: _Reader
) -> None:
    """The second reading stands: it shows all that the first did, and more."""
    face = make_face(200, 150, 80)
    world = _World([_aside(face)], reader)
    finder = world.handler._finder
    assert isinstance(finder, _Finder)
    finder.from_search = {1 + len(reader.pictures): [face]}
    answer = world.handle(_clip())
    first, second = reader.plans
    assert (first.windows, second.windows) == ((), ((0.0, 1.0),))
    assert replace(second, windows=()) == first
    assert [len(face.crops) for face in answer.faces] == [3]
    assert world.registry.get_sample_value("homeward_detection_closer_looks_total") == 1


def test_a_clip_whose_frames_are_all_decoded_is_read_once(make_face: MakeFace, reader: _Reader) -> None:
    _World([_aside(make_face(200, 150, 80))], reader).handle(_clip(key_frame_interval=timedelta(seconds=9)))
    assert len(reader.plans) == 1


def _aside(face: FoundFace) -> FoundFace:
    """The face seen from the side: the nose lies beyond an eye."""
    x, y = face.landmarks.right_eye
    return replace(face, landmarks=replace(face.landmarks, nose=(x - face.width_px / 4, y)))


def test_a_gap_gives_no_event(world: _World) -> None:
    clip = _clip()
    clip.gap.CopyFrom(Gap(cause=GAP_CAUSE_SOURCE_LOST))
    assert list(world.handler.handle(_event(clip))) == []


@pytest.mark.parametrize("missing", [True, False])
def test_a_clip_that_cannot_be_read_is_told(world: _World, missing: bool) -> None:
    world.reader.error = None if missing else UnreadableClipError("no frame")
    answer = world.handle(_clip(), stored=not missing)
    assert answer.outcome == DetectionOutcome.DETECTION_OUTCOME_UNREADABLE
    assert list(answer.faces) == []
    assert world.registry.get_sample_value("homeward_detection_clips_total", {"outcome": "unreadable"}) == 1


@pytest.mark.parametrize(("damaged", "packets"), [(1, 100), (0, 99), (3, 12)])
def test_damage_makes_the_answer_partial_and_keeps_the_faces(world: _World, damaged: int, packets: int) -> None:
    world.reader.damaged, world.reader.packets = damaged, packets
    answer = world.handle(_clip())
    assert answer.outcome == DetectionOutcome.DETECTION_OUTCOME_PARTIAL
    assert len(answer.faces) == 2


@pytest.mark.parametrize("operation", ["download", "put"])
def test_a_store_that_is_away_asks_for_a_retry(make_face: MakeFace, reader: _Reader, operation: str) -> None:
    world = _World([make_face(200, 150, 80)], reader, _AwayStore(operation))
    with pytest.raises(RetryableError, match="clip"):
        world.handle(_clip())
    assert world.crops() == []


def test_another_cameras_footage_is_refused(world: _World) -> None:
    other = footage_key("south-gate", _START, clip_id("south-gate", _START))
    with pytest.raises(InvalidEventError, match="object_key"):
        world.handler.handle(_event(_clip(object_key=other)))


@pytest.mark.parametrize("size_bytes", [len(_VIDEO), 64 * 1024 * 1024])
def test_the_video_is_gone_when_the_answer_is_given(world: _World, size_bytes: int) -> None:
    world.handle(_clip(size_bytes=size_bytes))
    assert [video.closed for video in world.reader.videos] == [True]


def test_dense_key_frames_are_decoded_alone(world: _World) -> None:
    for seconds in (2, 2.5):
        clip = _clip()
        clip.stored.key_frame_interval.CopyFrom(to_duration(timedelta(seconds=seconds)))
        world.handle(clip)
    assert [plan.key_frames_only for plan in world.reader.plans] == [True, False]
