"""A world for tests of matching: people as directions, clips with their faces, an embedder that knows them."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from prometheus_client import CollectorRegistry

from homeward.matching.auditing import LiveRecords, SearchRecords
from homeward.matching.authorisations import Authorisations
from homeward.matching.comparison import Comparison
from homeward.matching.enrolment import Enrolment
from homeward.matching.metrics import MatchingMetrics
from homeward.matching.ports import (
    CropReference,
    EmbedderAwayError,
    EmbedderDeniedError,
    NoTemplate,
    PhotoReference,
    Reference,
    SearchEndedError,
    Subjects,
)
from homeward.matching.scale import Scales
from homeward.matching.template import Model, Template, Vector
from homeward.shared import ids, objectkeys
from homeward.shared.audit import AuditUnavailableError, Entry
from homeward.shared.calibration import Band, Calibration, Calibrations, Support
from homeward.shared.calibration.calibration import RATES
from homeward.shared.events import Event, new_event
from homeward.shared.instants import to_timestamp
from homeward.shared.topics import AUTHORISATIONS, FACES, Topic
from homewardapi.audit.v1.audit_pb2 import AuditAction
from homewardapi.authorisation.v1.authorisation_pb2 import (
    AUTHORISATION_STATE_CLOSED,
    AUTHORISATION_STATE_OPEN,
    CLOSE_REASON_STOPPED,
    Authorisation,
)
from homewardapi.face.v1.face_pb2 import (
    DETECTION_OUTCOME_COMPLETE,
    Appearance,
    Box,
    ClipFaces,
    Crop,
    DetectionOutcome,
    Face,
)
from homewardapi.model.v1.model_pb2 import ModelRef
from support.authorisations import NOON, Authority, MovableClock

SIZE = 192
MODEL = Model("mobilefacenet", "d8" * 32)
OTHER_MODEL = Model("another-embedder", "ab" * 32)
SUBJECT = 1
RATE = 3e-4
"""The false match rate that the tests' world allows, the product's own default."""

PERSON_STRIDE = 1_000_000
"""A crop's offset is its person's number times this, and the number of the picture."""

_DETECTOR = ModelRef(name="blazeface-full-range", sha256="99" * 32)


def vector(person: int, picture: int = 0, likeness: float = 0.8, model: Model = MODEL) -> Vector:
    """Return a picture's template: the cosine with the person's own direction is about `likeness`."""
    seed = int(model.sha256[:8], 16)
    own = np.random.default_rng([seed, person]).normal(size=SIZE)
    noise = np.random.default_rng([seed, person, picture + 1]).normal(size=SIZE)
    own, noise = own / np.linalg.norm(own), noise / np.linalg.norm(noise)
    mixed = likeness * own + np.sqrt(1 - likeness**2) * noise
    return np.asarray(mixed / np.linalg.norm(mixed), dtype=np.float32)


def face(index: int, person: int, at: datetime, crops: int = 2, box_px: float = 64) -> Face:
    """Return a face of `person` with `crops` pictures, half a second apart."""
    times = [to_timestamp(at + timedelta(seconds=step / 2)) for step in range(max(crops, 1))]
    box = Box(left_px=100, top_px=80, width_px=box_px, height_px=box_px)
    return Face(
        face_index=index,
        appearances=[Appearance(at=time, box=box, score=0.9) for time in times],
        crops=[
            Crop(
                offset_bytes=person * PERSON_STRIDE + index * 100 + step,
                length_bytes=1000,
                at=times[step],
                quality=0.9 - step / 10,
                face_width_px=box_px,
            )
            for step in range(crops)
        ],
    )


def clip(
    camera_id: str = "gate",
    starts_at: datetime = NOON - timedelta(hours=1),
    people: Sequence[int] = (),
    *,
    crops: int = 2,
    length: timedelta = timedelta(seconds=10),
    outcome: "DetectionOutcome.ValueType" = DETECTION_OUTCOME_COMPLETE,
) -> ClipFaces:
    """Return the faces of one clip, of one person each."""
    clip_id = ids.clip_id(camera_id, starts_at)
    return ClipFaces(
        clip_id=clip_id,
        camera_id=camera_id,
        starts_at=to_timestamp(starts_at),
        ends_at=to_timestamp(starts_at + length),
        faces=[face(index, person, starts_at, crops) for index, person in enumerate(people)],
        optional_crops_key=objectkeys.crops_key(camera_id, starts_at, clip_id) if people and crops else None,
        frames_sampled=20,
        frames_still=0,
        detector=_DETECTOR,
        outcome=outcome,
    )


def faces_event(message: ClipFaces, time: datetime = NOON) -> Event:
    """Return the event of a clip's faces."""
    return new_event(FACES, ids.faces_event_id(message.clip_id), "homeward/detection", time, message)


def opened(authorisation_id: str, token: str, changed_at: datetime = NOON) -> Event:
    """Return the event that an authorisation is open."""
    message = Authorisation(
        authorisation_id=authorisation_id,
        state=AUTHORISATION_STATE_OPEN,
        optional_token=token,
        changed_at=to_timestamp(changed_at),
    )
    name = ids.state_event_id("authorisation", authorisation_id, changed_at)
    return new_event(AUTHORISATIONS, name, "homeward/access", changed_at, message)


def closed(authorisation_id: str, changed_at: datetime = NOON) -> Event:
    """Return the event that an authorisation is closed."""
    message = Authorisation(
        authorisation_id=authorisation_id,
        state=AUTHORISATION_STATE_CLOSED,
        changed_at=to_timestamp(changed_at),
        optional_close_reason=CLOSE_REASON_STOPPED,
    )
    name = ids.state_event_id("authorisation", authorisation_id, changed_at)
    return new_event(AUTHORISATIONS, name, "homeward/access", changed_at, message)


def calibration_of(model: Model, threshold: float = 0.5) -> Calibration:
    """Return a calibration by which strangers reach `threshold` at RATE, and tell the same of every face width."""
    at = RATES.index(RATE)
    band = Band(
        least_px=0,
        measured_px=64,
        thresholds=tuple(round(threshold + (number - at) / 20, 3) for number in range(len(RATES))),
        intercept=-6,
        slope=15,
        support=Support(people=2, same=2, strangers=2, missed=0),
    )
    return Calibration(model=model.name, sha256=model.sha256, source="a test", bands=(band,))


@dataclass
class FakeEmbedder:
    """Answers by the person in a crop's offset; each photo shows the subject unless `photos` says otherwise.

    `photos` gives a person, or a refusal's reason as a negative number, by key; `unreadable` are crops refused.
    `before_answer` runs before each answer and may change the world.
    """

    model: Model = MODEL
    photos: Mapping[str, int] = field(default_factory=dict)
    unreadable: Mapping[int, int] = field(default_factory=dict)
    away: bool = False
    denied: bool = False
    before_answer: Callable[[], None] = lambda: None
    asked: list[Reference] = field(default_factory=list)

    def embed(
        self, token: str, references: Sequence[Reference], wanted: Callable[[], bool]
    ) -> list[Template | NoTemplate]:
        assert token.count(".") == 2
        if self.away:
            raise EmbedderAwayError("the embedder is away")
        if self.denied:
            raise EmbedderDeniedError("the embedder denies")
        answers = []
        for reference in references:
            self.before_answer()
            if not wanted():
                raise SearchEndedError("ended")
            self.asked.append(reference)
            answers.append(self.answer(reference))
        return answers

    def stream(
        self, token: str, references: Iterator[Reference], wanted: Callable[[], bool]
    ) -> Iterator[list[tuple[int, Template | NoTemplate]]]:
        """Answer each reference before the next is taken."""
        for number, reference in enumerate(references):
            (answer,) = self.embed(token, [reference], wanted)
            yield [(number, answer)]

    def answer(self, reference: Reference) -> Template | NoTemplate:
        if isinstance(reference, PhotoReference):
            person = self.photos.get(reference.photo_key, SUBJECT)
            if person < 0:
                return NoTemplate(-person)
            picture = 900 + int(reference.photo_key.rsplit("/", 1)[1].split(".")[0])
            return Template(vector(person, picture, model=self.model), self.model)
        person, picture = divmod(reference.offset_bytes, PERSON_STRIDE)
        if (reason := self.unreadable.get(reference.offset_bytes)) is not None:
            return NoTemplate(reason)
        return Template(vector(person, picture, model=self.model), self.model)

    @property
    def crops_asked(self) -> list[CropReference]:
        return [reference for reference in self.asked if isinstance(reference, CropReference)]


@dataclass
class FakeLog:
    """A log by partition; offsets begin at `first`, and `before_span` runs before an end is told."""

    records: dict[int, list[Event]] = field(default_factory=dict)
    first: int = 0
    before_span: Callable[[], None] = lambda: None

    def partitions(self, topic: Topic) -> list[int]:
        return list(range(topic.partitions))

    def span(self, topic: Topic, partition: int, since: datetime, until: datetime) -> tuple[int, int]:
        assert topic is FACES
        assert since < until
        self.before_span()
        return self.first, self.first + len(self.records.get(partition, []))

    def read(
        self, topic: Topic, partition: int, first_offset: int, end_offset: int, keys: Collection[str]
    ) -> Iterator[tuple[int, Event]]:
        assert topic is FACES
        records = enumerate(self.records.get(partition, []), self.first)
        yield from (one for one in records if first_offset <= one[0] < end_offset and one[1].key in keys)


@dataclass
class Announced:
    """What was announced before its handler returned; `before` runs first and may change the world."""

    events: list[Event] = field(default_factory=list)
    before: Callable[[], None] = lambda: None

    def send(self, events: Sequence[Event]) -> None:
        self.before()
        self.events.extend(events)

    def take(self) -> list[Event]:
        """Return what was announced since the last time."""
        taken, self.events = self.events, []
        return taken


@dataclass
class MemoryAudit:
    """An audit log in memory; `away` refuses everything, and `before` runs before each entry is taken."""

    entries: list[Entry] = field(default_factory=list)
    away: bool = False
    before: Callable[[], None] = lambda: None

    def record(self, *entries: Entry) -> None:
        self.before()
        if self.away:
            raise AuditUnavailableError("the audit log is away")
        self.entries.extend(entries)

    def of(self, action: AuditAction.ValueType) -> list[Entry]:
        return [entry for entry in self.entries if entry.action == action]


@dataclass
class World:
    """Everything that the handlers share, on a store of the caller's."""

    subjects: Subjects
    authority: Authority = field(default_factory=Authority)
    embedder: FakeEmbedder = field(default_factory=FakeEmbedder)
    log: FakeLog = field(default_factory=FakeLog)
    announced: Announced = field(default_factory=Announced)
    audit: MemoryAudit = field(default_factory=MemoryAudit)
    threshold: float = 0.5
    live_searches: int = 20
    crops_under_way: int = 8

    def __post_init__(self) -> None:
        self.meter = MatchingMetrics(CollectorRegistry())
        calibrations = [calibration_of(model, self.threshold) for model in (MODEL, OTHER_MODEL)]
        self.scales = Scales(Calibrations({one.sha256: one for one in calibrations}), RATE)
        self.authorisations = Authorisations(self.authority.verifier)
        self.records = SearchRecords(self.audit)
        self.live_records = LiveRecords(self.records, self.clock)
        self.enrolment = Enrolment(
            authorisations=self.authorisations,
            subjects=self.subjects,
            embedder=self.embedder,
            records=self.records,
            meter=self.meter,
            scales=self.scales,
            photo_threshold=0.4,
            live_searches=self.live_searches,
        )
        self.comparison = Comparison(
            authorisations=self.authorisations,
            subjects=self.subjects,
            embedder=self.embedder,
            enrolment=self.enrolment,
            clock=self.clock,
            meter=self.meter,
            scales=self.scales,
            crops_under_way=self.crops_under_way,
        )

    @property
    def clock(self) -> MovableClock:
        return self.authority.clock
