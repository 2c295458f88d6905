"""The events that matching announces. Each id is derived, so that saying a thing twice says it once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from homeward.matching.plan import Stretch
from homeward.matching.scale import Weight
from homeward.matching.template import Model
from homeward.shared.events import Event, new_event
from homeward.shared.ids import search_message_id, sighting_id
from homeward.shared.instants import from_timestamp, to_duration, to_timestamp
from homeward.shared.topics import SEARCH_TASKS, SIGHTINGS
from homewardapi.face.v1.face_pb2 import Appearance, ClipFaces, Crop, Face
from homewardapi.search.v1.search_pb2 import (
    RefusalReason,
    SearchPlanned,
    SearchRefused,
    SearchTask,
    TaskAssigned,
    TaskCompleted,
)
from homewardapi.sighting.v1.sighting_pb2 import SearchMode, Sighting

SOURCE: Final = "homeward/matching"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a search cannot start; `photo_index` counts the reference photos from 0."""

    reason: "RefusalReason.ValueType"
    photo_index: int | None = None


@dataclass(slots=True)
class Tally:
    """What became of the faces of a stretch; `expected_false` is how many strangers are expected to be shown."""

    faces_compared: int = 0
    faces_too_poor: int = 0
    faces_unreadable: int = 0
    clips_unreadable: int = 0
    camera_time: timedelta = field(default_factory=timedelta)
    expected_false: float = 0.0

    @property
    def eventful(self) -> bool:
        """Whether there was a face, or something in which one may have been missed."""
        return bool(self.faces_compared or self.faces_too_poor or self.faces_unreadable or self.clips_unreadable)


def refused(authorisation_id: str, refusal: Refusal, now: datetime) -> Event:
    """Return the event that a search cannot start."""
    message = SearchRefused(reason=refusal.reason, optional_photo_index=refusal.photo_index)
    name = search_message_id(authorisation_id, "refused")
    task = SearchTask(task_id=name, authorisation_id=authorisation_id, refused=message)
    return new_event(SEARCH_TASKS, name, SOURCE, now, task)


def planned(authorisation_id: str, task_count: int, camera_time: timedelta, now: datetime) -> Event:
    """Return the event that all of a search's tasks are given out: how many they are, and what they cover."""
    name = search_message_id(authorisation_id, "planned")
    summary = SearchPlanned(task_count=task_count, camera_time=to_duration(camera_time))
    task = SearchTask(task_id=name, authorisation_id=authorisation_id, planned=summary)
    return new_event(SEARCH_TASKS, name, SOURCE, now, task)


def assigned(authorisation_id: str, name: str, stretch: Stretch, now: datetime) -> Event:
    """Return the event that gives out the task called `name`, a UUID."""
    what = TaskAssigned(
        faces_partition=stretch.partition, first_offset=stretch.first_offset, end_offset=stretch.end_offset
    )
    task = SearchTask(task_id=name, authorisation_id=authorisation_id, assigned=what)
    return new_event(SEARCH_TASKS, name, SOURCE, now, task)


def completed(task: SearchTask, tally: Tally, candidates: int, now: datetime, continued_by: str | None = None) -> Event:
    """Return the event that a task is done; `continued_by` is the task that searches the rest of its stretch."""
    message = _result(tally, candidates, now)
    if continued_by is not None:
        message.optional_continued_by = continued_by
    done = SearchTask(task_id=task.task_id, authorisation_id=task.authorisation_id, completed=message)
    # The assignment has the task's own id already.
    name = search_message_id(task.authorisation_id, "completed", task.task_id)
    return new_event(SEARCH_TASKS, name, SOURCE, now, done)


def compared_live(authorisation_id: str, clip_id: str, tally: Tally, candidates: int, now: datetime) -> Event:
    """Return the event that a live search has compared a clip, with the same result as a task's."""
    message = _result(tally, candidates, now)
    message.optional_clip_id = clip_id
    name = search_message_id(authorisation_id, "live", clip_id)
    done = SearchTask(task_id=name, authorisation_id=authorisation_id, completed=message)
    return new_event(SEARCH_TASKS, name, SOURCE, now, done)


def _result(tally: Tally, candidates: int, now: datetime) -> TaskCompleted:
    return TaskCompleted(
        faces_compared=tally.faces_compared,
        faces_too_poor=tally.faces_too_poor,
        faces_unreadable=tally.faces_unreadable,
        clips_unreadable=tally.clips_unreadable,
        candidates=candidates,
        camera_time=to_duration(tally.camera_time),
        completed_at=to_timestamp(now),
        optional_expected_false_candidates=tally.expected_false,
    )


@dataclass(frozen=True, slots=True)
class Match:
    """A face that may be the subject's: `crop` is the picture that matched best."""

    clip: ClipFaces
    face: Face
    crop: Crop
    score: float


def sighted(
    authorisation_id: str, match: Match, *, weight: Weight, model: Model, mode: "SearchMode.ValueType", now: datetime
) -> Event:
    """Return the event that the subject may have been seen."""
    name = sighting_id(authorisation_id, match.clip.clip_id, match.face.face_index)
    appearances = match.face.appearances
    sighting = Sighting(
        sighting_id=name,
        authorisation_id=authorisation_id,
        camera_id=match.clip.camera_id,
        clip_id=match.clip.clip_id,
        face_index=match.face.face_index,
        first_seen_at=appearances[0].at,
        last_seen_at=appearances[-1].at,
        crops_key=match.clip.optional_crops_key,
        crop=match.crop,
        box=_appearance_at(appearances, match.crop).box,
        score=match.score,
        threshold=weight.threshold,
        embedder=model.to_message(),
        mode=mode,
        found_at=to_timestamp(now),
        optional_likelihood_ratio=weight.likelihood_ratio,
        optional_false_match_rate=weight.false_match_rate,
        other_crops=[crop for crop in match.face.crops if crop != match.crop],
    )
    return new_event(SIGHTINGS, name, SOURCE, now, sighting)


def _appearance_at(appearances: Sequence[Appearance], crop: Crop) -> Appearance:
    taken = from_timestamp(crop.at)
    return min(appearances, key=lambda appearance: abs(from_timestamp(appearance.at) - taken))
