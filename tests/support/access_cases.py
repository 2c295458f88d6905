"""Requests in memory: the real use cases on a real database, with fakes of what lies outside."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np
from sqlalchemy.orm import Session

from homeward.access.cases.cases import Cases
from homeward.access.cases.ground import Ground
from homeward.access.cases.model import (
    Approval,
    Asked,
    Basis,
    IdentityCheck,
    IncidentDetails,
    MissingPersonDetails,
    PhotoUpload,
    Relation,
    RequestForm,
    RequestState,
    RequestView,
    Risk,
    SubjectAccessDetails,
)
from homeward.access.cases.policy import Policy
from homeward.access.cases.ports import SigningError, Tally
from homeward.access.cases.receipts import Receipts
from homeward.access.database.database import Database
from homeward.access.outbox.outbox import OutboxPublisher
from homeward.access.people.principal import Role
from homeward.access.people.rates import RateLimiter
from homeward.access.review.answering import SearchReviews
from homeward.shared.authorisation import Claims, KeySet, Purpose, Rank, SigningKey, Verifier, issue
from homeward.shared.events import Event, decode, encode
from homeward.shared.objectkeys import SUBJECTS_BUCKET
from homeward.shared.objectstore.memory_store import MemoryStore
from homeward.shared.vision.jpeg import encode_jpeg
from homewardapi.authorisation.v1.authorisation_pb2 import Authorisation
from homewardapi.hold.v1.hold_pb2 import Hold
from support.access_world import NOON, MovableClock, RecordedAudit, database, policy, principal

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
REASON: Final = "the reason that somebody gave"

OFFICER: Final = principal(Role.REQUESTER, name="officer")
SUPERVISOR: Final = principal(Role.REQUESTER, Role.APPROVER, rank=Rank.SUPERVISOR, name="supervisor")
COMMANDER: Final = principal(Role.REQUESTER, Role.APPROVER, rank=Rank.COMMANDER, name="commander")
REVIEWER: Final = principal(Role.REVIEWER, name="reviewer")
AUDITOR: Final = principal(Role.AUDITOR, name="auditor")
OPERATOR: Final = principal(Role.OPERATOR, name="operator")


def picture(width: int = 64, height: int = 64) -> bytes:
    """Return a small JPEG that shows nobody."""
    shades = np.linspace(0, 255, width * height * 3, dtype=np.uint8).reshape(height, width, 3)
    return encode_jpeg(np.ascontiguousarray(shades))


PICTURE: Final = picture()


def photo(data: bytes = PICTURE) -> PhotoUpload:
    return PhotoUpload(data, "the family's album", date(2026, 8, 1))


def missing(now: datetime = NOON, *, urgent: bool = False, cameras: Sequence[str] = ("gate", "hall")) -> RequestForm:
    """Return a form for somebody missing since two hours ago."""
    details = MissingPersonDetails(
        relation=Relation.PARENT,
        basis=Basis.CONSENT,
        basis_note="the mother agrees",
        last_seen_at=now - 2 * HOUR,
        last_seen_place="at the ticket hall",
        risk=Risk.HIGH,
        risk_note="six years old",
    )
    return RequestForm(Purpose.MISSING_PERSON, "M-2026/117", REASON, tuple(cameras), details, urgent=urgent)


def own_footage(now: datetime = NOON, *, ago: timedelta = DAY, cameras: Sequence[str] = ("gate",)) -> RequestForm:
    """Return a form for somebody's own footage of the hour that began `ago`."""
    details = SubjectAccessDetails(IdentityCheck.DOCUMENT_IN_PERSON, "passport seen at the desk")
    starts_at = now - ago
    return RequestForm(Purpose.SUBJECT_ACCESS, "S-2026/3", REASON, tuple(cameras), details, starts_at, starts_at + HOUR)


def incident(now: datetime = NOON, *, unredacted: bool = False, cameras: Sequence[str] = ("gate",)) -> RequestForm:
    """Return a form for an incident of two hours ago."""
    details = IncidentDetails("a bicycle was stolen", unredacted)
    starts_at = now - 2 * HOUR
    return RequestForm(Purpose.INCIDENT, "I-2026/9", REASON, tuple(cameras), details, starts_at, starts_at + HOUR)


class FakeSigner:
    """Signs with a throw-away key, and counts."""

    def __init__(self, clock: MovableClock, key: SigningKey) -> None:
        self.key = key
        self.verifier = Verifier(KeySet.of([self.key.public_key]), clock)
        self.signed: list[Claims] = []
        self.away = False

    def sign(self, session: Session, claims: Claims) -> str:
        del session
        if self.away:
            raise SigningError("there is no signing key")
        self.signed.append(claims)
        return issue(claims, self.key)


@dataclass
class FakeSearches:
    stopped: list[str] = field(default_factory=list)
    away: bool = False

    def stop(self, authorisation_id: str) -> bool:
        self.stopped.append(authorisation_id)
        return not self.away


@dataclass
class FakeCameras:
    missing: set[str] = field(default_factory=set)

    def unknown(self, camera_ids: Collection[str]) -> Collection[str]:
        return self.missing.intersection(camera_ids)


@dataclass
class FakeGrants:
    """What is granted now, by request."""

    given: dict[str, dict[str, object]] = field(default_factory=dict)

    def give(self, session: Session, *, request_id: str, **granted: object) -> None:
        del session
        self.given[request_id] = granted

    def end(self, session: Session, request_id: str, now: datetime) -> None:
        del session, now
        self.given.pop(request_id, None)


class FakeTallies:
    def of(self, session: Session, authorisation_id: str) -> Tally | None:
        del session, authorisation_id
        return Tally(faces_compared=7, camera_seconds=3600.0, candidates=1)


class Sent:
    """A log in memory; what is sent goes through the wire format."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def send(self, events: Sequence[Event]) -> None:
        for event in events:
            record = encode(event)
            self.events.append(decode(event.topic, record.key, record.value, record.headers))


class CasesWorld:
    """Everything that requests stand on, and what they tell."""

    def __init__(
        self,
        kept: Database | None = None,
        rules: Policy | None = None,
        *,
        store: MemoryStore | None = None,
        key: SigningKey | None = None,
    ) -> None:
        self.clock = MovableClock()
        self.audit = RecordedAudit()
        self.policy = rules or policy()
        self.database = kept or database()
        self.store = store or MemoryStore(self.clock)
        self.store.ensure_bucket(SUBJECTS_BUCKET)
        self.signer = FakeSigner(self.clock, key or SigningKey.generate())
        self.searches = FakeSearches()
        self.cameras = FakeCameras()
        self.grants = FakeGrants()
        self.sent = Sent()
        self.publisher = OutboxPublisher(self.database, self.sent)
        self.ground = Ground(self.database, self.audit, self.clock, self.policy)
        self.cases = Cases(
            ground=self.ground,
            store=self.store,
            signer=self.signer,
            searches=self.searches,
            cameras=self.cameras,
            grants=self.grants,
            tallies=FakeTallies(),
            reviews=SearchReviews(),
        )
        per_minute = self.policy.receipts.attempts_per_minute
        limiter = RateLimiter(self.clock, per_minute=per_minute, burst=per_minute)
        self.receipts = Receipts(self.ground, self.cases.ender, limiter)

    def ask(self, form: RequestForm | None = None, photos: Sequence[PhotoUpload] | None = None) -> Asked:
        """Have the officer ask; with one photo unless the purpose takes none."""
        form = missing(self.clock.now()) if form is None else form
        if photos is None:
            photos = [photo()] if form.purpose.searches_faces else []
        return self.cases.ask(OFFICER, form, photos)

    def approved(self, form: RequestForm | None = None) -> Asked:
        """Have the officer ask and the commander agree."""
        made = self.ask(form)
        self.cases.approve(COMMANDER, made.request_id, Approval(REASON))
        return made

    def view(self, request_id: str) -> RequestView:
        return self.cases.request(COMMANDER, request_id)

    def state(self, request_id: str) -> RequestState:
        return self.view(request_id).state

    def photos(self) -> set[str]:
        """Return the keys of the photos in the object store."""
        return {info.key for info in self.store.list(SUBJECTS_BUCKET)}

    def told(self) -> list[Event]:
        """Return every event that has gone out, after sending what waits."""
        while self.publisher.publish():
            pass
        return self.sent.events

    def authorisations(self) -> list[Authorisation]:
        return [event.message for event in self.told() if isinstance(event.message, Authorisation)]

    def holds(self) -> list[Hold]:
        return [event.message for event in self.told() if isinstance(event.message, Hold)]


def limited(searches_at_once: int) -> Policy:
    """Return the shipped policy with another limit of searches at once."""
    return policy().model_copy(update={"searches_at_once": searches_at_once})


def narrowed(**fields: object) -> Approval:
    return replace(Approval(REASON), **fields)  # type: ignore[arg-type]
