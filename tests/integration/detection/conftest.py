"""Real models over composed clips: portraits that walk over a textured wall, encoded as a camera would."""

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from homeward.detection.adapters.pyav_clip import PyavClipReader, silence_ffmpeg
from homeward.detection.bootstrap import make_finder, rules
from homeward.detection.handler import DetectionHandler
from homeward.detection.metrics import DetectionMetrics
from homeward.detection.ports import FaceFinder
from homeward.detection.search import SearchRules
from homeward.detection.settings import DetectionSettings
from homeward.shared.clock import SystemClock
from homeward.shared.events import new_event
from homeward.shared.ids import clip_id
from homeward.shared.instants import from_timestamp, to_duration, to_timestamp
from homeward.shared.objectkeys import CROPS_BUCKET, FOOTAGE_BUCKET, footage_key
from homeward.shared.objectstore.memory_store import MemoryStore
from homeward.shared.settings import KafkaSettings, ObjectStoreSettings
from homeward.shared.topics import CLIPS
from homeward.shared.vision.jpeg import decode_picture
from homewardapi.clip.v1.clip_pb2 import Clip, StoredClip
from homewardapi.face.v1.face_pb2 import Appearance, ClipFaces
from support.data import portraits
from support.models import model_folder

Picture = NDArray[np.uint8]

_FPS = 25
_TURNED_S = 0.2
_FACE_OF_PORTRAIT = 170 / 512
_CENTRE_OF_PORTRAIT = (255, 265)


@dataclass(frozen=True)
class Walker:
    """A person whose face, `face_px` wide, is at (x, y) at first and moves by (vx, vy) px a second."""

    person: str
    face_px: float
    x: float
    y: float
    vx: float = 0
    vy: float = 0

    def at(self, seconds: float) -> tuple[float, float]:
        return self.x + self.vx * seconds, self.y + self.vy * seconds


@dataclass(frozen=True)
class Composed:
    """A clip and who is in it; an earlier walker is behind a later one."""

    video: bytes
    seconds: float
    size: tuple[int, int]
    walkers: Sequence[Walker] = ()

    def owner(self, appearance: Appearance, starts_at: datetime) -> str | None:
        """Return whose face an appearance is, or None when it is nobody's."""
        at_s = (from_timestamp(appearance.at) - starts_at).total_seconds()
        x = appearance.box.left_px + appearance.box.width_px / 2
        y = appearance.box.top_px + appearance.box.height_px / 2
        near = [
            (distance, walker.person)
            for walker in self.walkers
            if (distance := float(np.hypot(x - walker.at(at_s)[0], y - walker.at(at_s)[1])) / walker.face_px) < 0.6
        ]
        return min(near)[1] if near else None


def wall(width: int, height: int, seed: int = 0) -> Picture:
    """Return a wall with detail at every scale and some hard edges."""
    dice = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3))
    for cell in (4, 8, 16, 64):
        noise = dice.normal(0, 1, (height // cell + 2, width // cell + 2, 3))
        picture += cv2.resize(noise, (width, height)) * cell**0.5
    picture = 128 + picture / picture.std() * 28
    for _ in range(25):
        left, top = int(dice.integers(0, width)), int(dice.integers(0, height))
        right, bottom = left + int(dice.integers(10, 200)), top + int(dice.integers(10, 150))
        cv2.rectangle(picture, (left, top), (right, bottom), tuple(dice.integers(40, 220, 3).tolist()), 2)
    return np.asarray(np.clip(picture, 0, 255), dtype=np.uint8)


def encode(frames: Sequence[Picture], *, key_every_s: float = 1.0, first_stamp: int = 0) -> bytes:
    """Return a fragmented MP4 of frames, 25 a second."""
    buffer = io.BytesIO()
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    with av.open(buffer, "w", format="mp4", options=options) as container:
        stream: Any = container.add_stream("libx264", rate=_FPS)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        key_every = str(round(key_every_s * _FPS))
        stream.options = {"crf": "28", "preset": "veryfast", "g": key_every, "sc_threshold": "0", "bf": "0"}
        for index, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = first_stamp + index
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return buffer.getvalue()


def cut_out(portrait: Path, face_px: float, *, masked: bool = False) -> tuple[Picture, NDArray[np.float32]]:
    """Return the portrait at the wanted size, and how opaque each of its pixels is: head and shoulders."""
    picture = decode_picture(portrait.read_bytes(), 10**6)
    if masked:
        picture = picture.copy()
        x, y = _CENTRE_OF_PORTRAIT
        cv2.ellipse(picture, (x, y + 55), (72, 62), 0, 0, 360, (120, 170, 210), -1)
    mask = np.zeros((512, 512), dtype=np.uint8)
    cv2.ellipse(mask, (255, 250), (110, 165), 0, 0, 360, 255, -1)
    cv2.ellipse(mask, (255, 520), (230, 150), 0, 0, 360, 255, -1)
    scale = face_px / (512 * _FACE_OF_PORTRAIT)
    size = (round(512 * scale), round(512 * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(cv2.resize(mask, size, interpolation=cv2.INTER_AREA), (0, 0), max(0.5, 2 * scale))
    return np.asarray(small, dtype=np.uint8), (soft / 255.0).astype(np.float32)


def compose(
    walkers: Sequence[Walker],
    *,
    size: tuple[int, int] = (640, 360),
    seconds: float = 3,
    seed: int = 0,
    key_every_s: float = 1.0,
    masked: bool = False,
    turned: float = 1,
) -> Composed:
    """Return a clip of people who walk in front of a wall, blurred and noisy; `masked` covers noses and mouths.

    About each full second, when a key frame is taken, heads are narrower by `turned`, as if they looked aside.
    """
    dice = np.random.default_rng(seed + 1)
    background = wall(*size, seed=seed)
    cuts = [cut_out(portraits() / f"{walker.person}-smiling.jpg", walker.face_px, masked=masked) for walker in walkers]
    frames = []
    for index in range(round(seconds * _FPS)):
        frame = background.astype(np.float32)
        for walker, (picture, opacity) in zip(walkers, cuts, strict=True):
            scale = walker.face_px / (512 * _FACE_OF_PORTRAIT)
            x, y = walker.at(index / _FPS)
            wide = turned if abs(index / _FPS - round(index / _FPS)) < _TURNED_S else 1
            shift = np.array(
                [[wide, 0, x - wide * _CENTRE_OF_PORTRAIT[0] * scale], [0, 1, y - _CENTRE_OF_PORTRAIT[1] * scale]]
            )
            alpha = cv2.warpAffine(opacity, shift, size)[:, :, None]
            frame = frame * (1 - alpha) + cv2.warpAffine(picture, shift, size) * alpha
        noisy = cv2.GaussianBlur(frame, (0, 0), 0.6) + dice.normal(0, 2, frame.shape)
        frames.append(np.clip(noisy, 0, 255).astype(np.uint8))
    return Composed(encode(frames, key_every_s=key_every_s), seconds, size, walkers)


@dataclass
class World:
    """The whole of detection but Kafka, with a store in memory."""

    finder: FaceFinder
    settings: DetectionSettings
    store: MemoryStore = field(default_factory=lambda: MemoryStore(SystemClock()))

    def __post_init__(self) -> None:
        for bucket in (FOOTAGE_BUCKET, CROPS_BUCKET):
            self.store.ensure_bucket(bucket)
        self.handler = self._handler(rules(self.settings))
        self.starts_at = datetime(2026, 11, 23, 20, 50, tzinfo=UTC)

    def keep_to_key_frames(self) -> None:
        """From now on, look at no frame between key frames, however poorly these show a face."""
        self.handler = self._handler(replace(rules(self.settings), ample_px=4096))

    def _handler(self, looked_for: SearchRules) -> DetectionHandler:
        return DetectionHandler(
            store=self.store,
            reader=PyavClipReader(most_pixels=self.settings.most_frame_pixels),
            finder=self.finder,
            rules=looked_for,
            dense=timedelta(seconds=self.settings.dense_key_frames_s),
            metrics=DetectionMetrics(CollectorRegistry()),
            clock=SystemClock(),
        )

    def handle(self, composed: Composed, *, key_frame_interval_s: float = 1, frames: int = 1) -> ClipFaces:
        """Store a clip, handle its event, and return the answer."""
        identity = clip_id("north-gate", self.starts_at)
        key = footage_key("north-gate", self.starts_at, identity)
        self.store.put(FOOTAGE_BUCKET, key, composed.video)
        stored = StoredClip(
            object_key=key,
            size_bytes=len(composed.video),
            sha256=hashlib.sha256(composed.video).digest(),
            codec="h264",
            width_px=composed.size[0],
            height_px=composed.size[1],
            frame_count=frames,
            key_frame_count=1,
            key_frame_interval=to_duration(timedelta(seconds=key_frame_interval_s)),
        )
        clip = Clip(
            clip_id=identity,
            camera_id="north-gate",
            starts_at=to_timestamp(self.starts_at),
            ends_at=to_timestamp(self.starts_at + timedelta(seconds=composed.seconds)),
            stored=stored,
        )
        (event,) = self.handler.handle(new_event(CLIPS, identity, "homeward/ingest", self.starts_at, clip))
        assert isinstance(event.message, ClipFaces)
        return event.message

    def crops(self, answer: ClipFaces, face: int) -> list[Picture]:
        """Return the pictures of one face of an answer."""
        data = self.store.get(CROPS_BUCKET, answer.optional_crops_key)
        return [
            decode_picture(data[crop.offset_bytes : crop.offset_bytes + crop.length_bytes], 10**6)
            for crop in answer.faces[face].crops
        ]


@pytest.fixture(scope="session")
def detection_settings() -> DetectionSettings:
    return DetectionSettings(
        kafka=KafkaSettings(bootstrap_servers="unused:1"),
        object_store=ObjectStoreSettings.model_validate({"endpoint": "unused", "access_key": "a", "secret_key": "b"}),
        models_folder=model_folder(),
    )


@pytest.fixture(scope="session")
def finder(detection_settings: DetectionSettings) -> Iterator[FaceFinder]:
    silence_ffmpeg()
    made = make_finder(detection_settings)
    assert made.name == "yunet"
    yield made
    made.close()


@pytest.fixture
def world(finder: FaceFinder, detection_settings: DetectionSettings) -> World:
    return World(finder, detection_settings)


@pytest.fixture
def composer() -> Callable[..., Composed]:
    """`composer([(person, face_px, x, y, vx, vy), ...], size=..., seconds=..., seed=...)`."""

    def made(people: Sequence[tuple[Any, ...]], **options: Any) -> Composed:
        return compose([Walker(*person) for person in people], **options)

    return made


@pytest.fixture
def still() -> Callable[[float], Composed]:
    """`still(seconds)`: nobody, noise alone."""

    def made(seconds: float) -> Composed:
        dice, background = np.random.default_rng(8), wall(640, 360, seed=5).astype(np.float32)
        frames = [
            np.clip(background + dice.normal(0, 2, background.shape), 0, 255).astype(np.uint8)
            for _ in range(round(seconds * _FPS))
        ]
        return Composed(encode(frames), seconds, (640, 360))

    return made


@pytest.fixture
def stored() -> Callable[[bytes, float, tuple[int, int]], Composed]:
    """`stored(video, seconds, size)`: a clip of somebody else's."""
    return Composed
