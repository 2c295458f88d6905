"""An archive of faces without the cameras that saw them: crops in the object store and messages on the log.

Every picture is a portrait of the test data, made small and noisy as a camera would, aligned and compressed as
detection does it.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final

import cv2
import numpy as np

from homeward.embedding.adapters.blazeface_finder import BlazeFaceFinder
from homeward.embedding.calibration.degrade import as_seen, face_in
from homeward.embedding.photo import find_faces
from homeward.shared import ids
from homeward.shared.events import Event, new_event
from homeward.shared.instants import to_timestamp
from homeward.shared.models.library import ModelLibrary
from homeward.shared.objectkeys import CROPS_BUCKET, crops_key
from homeward.shared.objectstore.port import ObjectStore
from homeward.shared.topics import FACES
from homeward.shared.vision.alignment import align
from homeward.shared.vision.jpeg import decode_picture, encode_jpeg
from homewardapi.face.v1.face_pb2 import DETECTION_OUTCOME_COMPLETE, Appearance, Box, ClipFaces, Crop, Face
from homewardapi.model.v1.model_pb2 import ModelRef
from support.data import portraits
from support.models import model_folder
from support.scenes import person_ids

CLIP: Final = timedelta(seconds=10)
PICTURES: Final = 3
_WIDTH_PX: Final = 64.0
_DETECTOR: Final = ModelRef(name="yunet", sha256="00" * 32)


@dataclass(frozen=True, slots=True)
class Archive:
    """What was put there: the messages, and how many faces and crops they tell of."""

    events: list[Event]
    faces: int
    crops: int


@cache
def pictures(person_id: str) -> tuple[bytes, ...]:
    """Return the JPEGs that detection would keep of one face of a person, as a camera saw it."""
    finder = BlazeFaceFinder(ModelLibrary(model_folder()).read("blazeface-full-range"))
    photo = decode_picture((portraits() / f"{person_id}-smiling.jpg").read_bytes(), 10**8)
    face = find_faces(photo, finder)[0]
    kept = []
    for number in range(PICTURES):
        seen = as_seen(photo, face, _WIDTH_PX, np.random.default_rng([int(person_id), number]))
        found = face_in(seen, _WIDTH_PX, finder)
        if found is not None:
            kept.append(encode_jpeg(align(seen, found.landmarks)))
    return tuple(kept)


def fill(store: ObjectStore, camera_id: str, begins: datetime, faces_by_clip: Sequence[int]) -> Archive:
    """Put a camera's crops into `store` and return the messages of its clips, which the caller publishes."""
    cv2.setNumThreads(1)
    people = _everybody()
    clips = [
        _clip(camera_id, begins + number * CLIP, [next(people) for _ in range(faces)])
        for number, faces in enumerate(faces_by_clip)
    ]
    with ThreadPoolExecutor(4) as pool:
        list(
            pool.map(lambda one: store.put(CROPS_BUCKET, one[0].optional_crops_key, one[1]), filter(_has_crops, clips))
        )
    messages = [message for message, _ in clips]
    faces = [face for message in messages for face in message.faces]
    events = [new_event(FACES, ids.faces_event_id(one.clip_id), "benchmark", begins, one) for one in messages]
    return Archive(events, len(faces), sum(len(face.crops) for face in faces))


def _everybody() -> Iterator[str]:
    while True:
        yield from person_ids()


def _has_crops(clip: tuple[ClipFaces, bytes]) -> bool:
    return bool(clip[1])


def _clip(camera_id: str, starts_at: datetime, people: Sequence[str]) -> tuple[ClipFaces, bytes]:
    clip_id = ids.clip_id(camera_id, starts_at)
    message = ClipFaces(
        clip_id=clip_id,
        camera_id=camera_id,
        starts_at=to_timestamp(starts_at),
        ends_at=to_timestamp(starts_at + CLIP),
        optional_crops_key=crops_key(camera_id, starts_at, clip_id) if people else None,
        frames_sampled=40,
        detector=_DETECTOR,
        outcome=DETECTION_OUTCOME_COMPLETE,
    )
    data = b""
    box = Box(left_px=100, top_px=80, width_px=_WIDTH_PX, height_px=_WIDTH_PX)
    for index, person_id in enumerate(people):
        face = Face(face_index=index)
        for number, jpeg in enumerate(pictures(person_id)):
            at = to_timestamp(starts_at + timedelta(seconds=number))
            face.appearances.append(Appearance(at=at, box=box, score=0.9))
            face.crops.append(
                Crop(
                    offset_bytes=len(data),
                    length_bytes=len(jpeg),
                    at=at,
                    quality=0.6 - number / 10,
                    face_width_px=_WIDTH_PX,
                )
            )
            data += jpeg
        message.faces.append(face)
    return message, data
