"""Review on a test's world: searches that the test opens and ends, sightings as matching tells them, reviewers."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from homeward.access.database.database import Database
from homeward.access.people.principal import Principal, Role
from homeward.access.review.folding import Folding
from homeward.access.review.ports import ReviewCase
from homeward.access.review.usecases import ReviewUseCases
from homeward.shared.authorisation import Purpose, Rank
from homeward.shared.events import Event, new_event
from homeward.shared.ids import clip_id, derived_id, search_message_id, sighting_id
from homeward.shared.instants import to_duration, to_timestamp
from homeward.shared.objectkeys import CROPS_BUCKET, SUBJECTS_BUCKET, crops_key, photo_key
from homeward.shared.objectstore.memory_store import MemoryStore
from homeward.shared.topics import SEARCH_TASKS, SIGHTINGS
from homewardapi.face.v1.face_pb2 import Box, Crop
from homewardapi.model.v1.model_pb2 import ModelRef
from homewardapi.search.v1.search_pb2 import RefusalReason, SearchPlanned, SearchRefused, SearchTask, TaskCompleted
from homewardapi.sighting.v1.sighting_pb2 import SEARCH_MODE_ARCHIVE, Sighting
from support.access_world import NOON, MovableClock, RecordedAudit, database, principal

REQUEST: Final = derived_id("example", "review request")
REQUESTER: Final = principal(Role.REQUESTER, name="officer")
APPROVER: Final = principal(Role.REQUESTER, Role.APPROVER, rank=Rank.SUPERVISOR, name="supervisor")
JPEG: Final = b"\xff\xd8\xff"
EXPECTED: Final = 2**-12
"""Strangers expected among the candidates for each face compared; a power of two, so that sums have no order."""
CAMERAS: Final = ("gate", "hall", "north-gate")


def reviewer(name: str) -> Principal:
    """Return a reviewer; the same `name` is the same person."""
    return principal(Role.REVIEWER, name=name)


@dataclass
class Searches:
    """The port `ReviewCases` in memory."""

    cases: dict[str, ReviewCase] = field(default_factory=dict)

    def find(self, session: Session, request_id: str) -> ReviewCase | None:
        del session
        return self.cases.get(request_id)

    def open(self, session: Session, now: datetime) -> Sequence[ReviewCase]:
        del session
        return [case for case in self.cases.values() if case.open_at(now)]


def case(request_id: str = REQUEST) -> ReviewCase:
    """Return a search for a missing person that was opened at noon, for twelve hours."""
    return ReviewCase(
        request_id=request_id,
        purpose=Purpose.MISSING_PERSON,
        case_reference="MP-2026-113",
        officials=frozenset({REQUESTER.official_id, APPROVER.official_id}),
        camera_ids=frozenset(CAMERAS),
        window_starts_at=NOON - timedelta(hours=6),
        window_ends_at=NOON + timedelta(hours=12),
        opened_at=NOON,
        expires_at=NOON + timedelta(hours=12),
        ended_at=None,
        photos=(photo_key(request_id, 0),),
    )


@dataclass
class ReviewWorld:
    """Review with everything that it needs, in memory."""

    searches: Searches = field(default_factory=Searches)
    clock: MovableClock = field(default_factory=MovableClock)
    audit: RecordedAudit = field(default_factory=RecordedAudit)
    database: Database = field(default_factory=database)
    store: MemoryStore = field(init=False)
    review: ReviewUseCases = field(init=False)
    folding: Folding = field(init=False)

    def __post_init__(self) -> None:
        self.store = MemoryStore(self.clock)
        self.store.ensure_bucket(CROPS_BUCKET)
        self.store.ensure_bucket(SUBJECTS_BUCKET)
        self.review = ReviewUseCases.of(self.database, self.searches, self.audit, self.clock, self.store)
        self.folding = Folding(self.database, self.searches)

    def opened(self, request_id: str = REQUEST) -> str:
        """Open a search, with its reference photo."""
        self.searches.cases[request_id] = case(request_id)
        self.store.put(SUBJECTS_BUCKET, photo_key(request_id, 0), JPEG + b"reference")
        return request_id

    def ends(self, request_id: str = REQUEST) -> None:
        """End a search."""
        known = self.searches.cases[request_id]
        self.searches.cases[request_id] = replace(known, ended_at=self.clock.now())

    def sighted(self, event: Event) -> str:
        """Fold a sighting, store its crops, and return its id."""
        message = event.message
        assert isinstance(message, Sighting)
        self.store.put(CROPS_BUCKET, message.crops_key, b"".join(_crop_bytes(number) for number in range(3)))
        assert self.folding.handle(event) == []
        return message.sighting_id


def _crop_bytes(number: int) -> bytes:
    return JPEG + bytes([number]) * 7


def crop_bytes(number: int) -> bytes:
    """Return the bytes of the picture with that number of every sighting."""
    return _crop_bytes(number)


def sighting(
    number: int = 0,
    *,
    request_id: str = REQUEST,
    camera_id: str = "gate",
    likelihood_ratio: float | None = 250.0,
    score: float = 0.7,
    at: datetime | None = None,
) -> Event:
    """Return a sighting as matching tells it; `number` tells clips apart."""
    starts_at = (NOON - timedelta(hours=1) if at is None else at) + timedelta(seconds=10 * number)
    clip = clip_id(camera_id, starts_at)
    crops = [
        Crop(
            offset_bytes=index * 10,
            length_bytes=10,
            at=to_timestamp(starts_at + timedelta(seconds=index)),
            quality=0.5,
            face_width_px=64.0,
        )
        for index in range(3)
    ]
    message = Sighting(
        sighting_id=sighting_id(request_id, clip, 0),
        authorisation_id=request_id,
        camera_id=camera_id,
        clip_id=clip,
        face_index=0,
        first_seen_at=to_timestamp(starts_at),
        last_seen_at=to_timestamp(starts_at + timedelta(seconds=4)),
        crops_key=crops_key(camera_id, starts_at, clip),
        crop=crops[0],
        box=Box(left_px=1, top_px=2, width_px=64, height_px=72),
        score=score,
        threshold=0.5,
        embedder=ModelRef(name="mobilefacenet", sha256="d8" * 32),
        mode=SEARCH_MODE_ARCHIVE,
        found_at=to_timestamp(NOON),
        optional_likelihood_ratio=likelihood_ratio,
        optional_false_match_rate=0.0002,
        other_crops=crops[1:],
    )
    return new_event(SIGHTINGS, message.sighting_id, "homeward/matching", NOON, message)


def planned(tasks: int, *, at: datetime = NOON, request_id: str = REQUEST) -> Event:
    """Return the event that a search of recordings is cut into so many tasks."""
    name = search_message_id(request_id, "planned")
    plan = SearchPlanned(task_count=tasks, camera_time=to_duration(timedelta(hours=3)))
    return _task(SearchTask(task_id=name, authorisation_id=request_id, planned=plan), at)


def refused(reason: RefusalReason.ValueType, photo: int | None = None, *, request_id: str = REQUEST) -> Event:
    """Return the event that a search cannot start."""
    message = SearchRefused(reason=reason, optional_photo_index=photo)
    name = search_message_id(request_id, "refused")
    return _task(SearchTask(task_id=name, authorisation_id=request_id, refused=message), NOON)


def completed(
    number: int, *, compared: int = 10, request_id: str = REQUEST, live: bool = False, continued: bool = False
) -> Event:
    """Return the result of a task, or of a live clip; `number` tells them apart."""
    result = TaskCompleted(
        faces_compared=compared,
        faces_too_poor=2,
        faces_unreadable=1,
        clips_unreadable=1,
        candidates=1,
        camera_time=to_duration(timedelta(minutes=10)),
        completed_at=to_timestamp(NOON),
        optional_expected_false_candidates=compared * EXPECTED,
    )
    if live:
        result.optional_clip_id = derived_id("clip", str(number))
    if continued:
        result.optional_continued_by = derived_id("rest", str(number))
    name = search_message_id(request_id, "live" if live else "task", number)
    return _task(SearchTask(task_id=name, authorisation_id=request_id, completed=result), NOON)


def _task(task: SearchTask, at: datetime) -> Event:
    name = search_message_id(task.authorisation_id, "told", task.task_id, task.WhichOneof("event") or "")
    return new_event(SEARCH_TASKS, name, "homeward/matching", at, task)
