"""A whole retention service in memory, with a clock that the test moves. Its fakes can be away."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from google.protobuf.message import Message
from prometheus_client import CollectorRegistry

from homeward.retention.authorisations import AuthorisationTable
from homeward.retention.backstop import Backstop
from homeward.retention.handler import RetentionHandler
from homeward.retention.holds import HoldTable
from homeward.retention.limit_table import LimitTable
from homeward.retention.metrics import RetentionMetrics
from homeward.retention.ports import TemplatesUnavailableError, Wiped
from homeward.retention.sweep import Sweeper
from homeward.retention.wipe import Wiper
from homeward.shared.audit import AuditUnavailableError, Entry
from homeward.shared.events import Event, decode, encode
from homeward.shared.ids import clip_id
from homeward.shared.instants import to_duration, to_timestamp
from homeward.shared.objectkeys import CROPS_BUCKET, FOOTAGE_BUCKET, SUBJECTS_BUCKET, ClipKey, photo_key
from homeward.shared.objectstore.memory_store import MemoryStore
from homeward.shared.runtime.backoff import Backoff
from homeward.shared.runtime.producer import DeliveryError
from homeward.shared.topics import AUTHORISATIONS, DELETIONS, Topic
from homewardapi.authorisation.v1.authorisation_pb2 import Authorisation, AuthorisationState, CloseReason
from homewardapi.camera.v1.camera_pb2 import Camera
from homewardapi.deletion.v1.deletion_pb2 import Deletion
from homewardapi.hold.v1.hold_pb2 import Hold, HoldState
from support.authorisations import NOON, Authority, MovableClock, request

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class MemoryEvents:
    """A log in memory; what is sent goes through the wire format."""

    def __init__(self) -> None:
        self.available = True
        self.sent: list[Event] = []

    def send(self, events: Sequence[Event]) -> None:
        if not self.available:
            raise DeliveryError("not delivered")
        for event in events:
            record = encode(event)
            self.sent.append(decode(event.topic, record.key, record.value, record.headers))

    def of(self, topic: Topic) -> list[Message]:
        return [event.message for event in self.sent if event.topic is topic and event.message is not None]

    @property
    def deletions(self) -> list[Deletion]:
        return [message for message in self.of(DELETIONS) if isinstance(message, Deletion)]


class MemoryAudit:
    """An audit log in memory, with what was deleted when each entry was told; `away` refuses everything."""

    def __init__(self) -> None:
        self.away = False
        self.entries: list[Entry] = []

    def record(self, *entries: Entry) -> None:
        if self.away:
            raise AuditUnavailableError("the audit log is away")
        self.entries.extend(entries)

    @property
    def codes(self) -> list[str | None]:
        return [entry.code for entry in self.entries]


@dataclass
class MemoryTemplates:
    """Templates in memory, by authorisation."""

    counts: dict[str, int] = field(default_factory=dict)
    available: bool = True
    asked: list[str] = field(default_factory=list)
    stuck: int = 0

    def wipe(self, authorisation_id: str) -> Wiped:
        self.asked.append(authorisation_id)
        if not self.available:
            raise TemplatesUnavailableError("matching is away")
        return Wiped(self.counts.pop(authorisation_id, 0), self.stuck)


class MemoryTopics:
    """A broker that sets every topic but `refused`."""

    def __init__(self) -> None:
        self.refused: list[str] = []
        self.applied: list[str] = []

    def apply(self, topics: Sequence[Topic]) -> Sequence[str]:
        self.applied = [topic.name for topic in topics]
        return self.refused


class World:
    """Everything that outlives a crash, and the process that `restart` starts anew."""

    def __init__(self, now: datetime = NOON) -> None:
        self.clock = MovableClock(now)
        self.authority = Authority(self.clock)
        self.store = MemoryStore(self.clock)
        for bucket in (FOOTAGE_BUCKET, CROPS_BUCKET, SUBJECTS_BUCKET):
            self.store.ensure_bucket(bucket)
        self.events = MemoryEvents()
        self.audit = MemoryAudit()
        self.templates = MemoryTemplates()
        self.topics = MemoryTopics()
        self.states: list[tuple[str, Message | None]] = []
        self.holds: dict[str, Hold] = {}
        self.cameras: list[tuple[str, Camera | None]] = []
        self.handler = self._start()

    def restart(self) -> None:
        self.handler = self._start()

    def _start(self) -> RetentionHandler:
        self.registry = CollectorRegistry()
        metrics = RetentionMetrics(self.registry)
        self.table = AuthorisationTable(self.authority.verifier)
        for key, message in self.states:
            self.table.apply(key, message)
        self.hold_table = HoldTable()
        for hold in self.holds.values():
            self.hold_table.apply(hold.hold_id, hold)
        self.limits = LimitTable(self.store, self.clock)
        for key, camera in self.cameras:
            self.limits.apply(key, camera)
        self.backstop = Backstop(self.store, self.topics, self.clock, metrics)
        self.sweeper = Sweeper(
            store=self.store,
            events=self.events,
            audit=self.audit,
            held=self.hold_table.in_force,
            clock=self.clock,
            metrics=metrics,
            limits=self.limits,
        )
        return RetentionHandler(
            store=self.store,
            authorisations=self.table,
            holds=self.hold_table,
            limits=self.limits,
            sweeper=self.sweeper,
            wiper=Wiper(
                store=self.store,
                templates=self.templates,
                events=self.events,
                audit=self.audit,
                clock=self.clock,
                metrics=metrics,
            ),
            backstop=self.backstop,
            clock=self.clock,
            metrics=metrics,
            sweep_every=HOUR,
            backoff=Backoff(),
        )

    def put_clip(self, starts_at: datetime, camera_id: str = "gate", bucket: str = FOOTAGE_BUCKET) -> str:
        suffix = "mp4" if bucket == FOOTAGE_BUCKET else "crops"
        key = str(ClipKey(camera_id, starts_at, clip_id(camera_id, starts_at), suffix))
        self.store.put(bucket, key, b"12345678")
        return key

    def camera(self, camera_id: str = "gate", retention: timedelta | None = None) -> None:
        """Announce a camera as it is from now on; `retention` None is the longest."""
        state = Camera(camera_id=camera_id, changed_at=to_timestamp(self.clock.now()))
        if retention is not None:
            state.optional_retention.CopyFrom(to_duration(retention))
        self.cameras.append((camera_id, state))
        self.limits.apply(camera_id, state)

    def remove_camera(self, camera_id: str = "gate") -> None:
        self.cameras.append((camera_id, None))
        self.limits.apply(camera_id, None)

    def compact_cameras(self) -> None:
        """Leave of the topic of cameras what compaction leaves."""
        last = dict(self.cameras)
        self.cameras = [(key, camera) for key, camera in last.items() if camera is not None]

    def put_photos(self, authorisation_id: str, count: int = 1) -> None:
        for index in range(count):
            self.store.put(SUBJECTS_BUCKET, photo_key(authorisation_id, index), b"photo")

    def keys(self, bucket: str) -> set[str]:
        return {info.key for info in self.store.list(bucket)}

    def announce(self, authorisation_id: str, message: Authorisation | None) -> None:
        self.states.append((authorisation_id, message))
        self.table.apply(authorisation_id, message)

    def open(self, authorisation_id: str, lifetime: timedelta = 12 * HOUR) -> str:
        window = (self.clock.now() - HOUR, self.clock.now() + HOUR)
        token = self.authority.token(request(authorisation_id, lifetime=lifetime, window=window))
        self.open_with(authorisation_id, token)
        self.put_photos(authorisation_id)
        self.templates.counts[authorisation_id] = 1
        return token

    def open_with(self, authorisation_id: str, token: str) -> None:
        state = Authorisation(
            authorisation_id=authorisation_id,
            state=AuthorisationState.AUTHORISATION_STATE_OPEN,
            optional_token=token,
            changed_at=to_timestamp(self.clock.now()),
        )
        self.announce(authorisation_id, state)

    def close(self, authorisation_id: str) -> None:
        state = Authorisation(
            authorisation_id=authorisation_id,
            state=AuthorisationState.AUTHORISATION_STATE_CLOSED,
            changed_at=to_timestamp(self.clock.now()),
            optional_close_reason=CloseReason.CLOSE_REASON_STOPPED,
        )
        self.announce(authorisation_id, state)

    def read_back(self) -> None:
        """Hand the authorisations that retention itself published to its table, as the broker would."""
        for event in self.events.sent:
            if event.topic is AUTHORISATIONS and isinstance(event.message, Authorisation):
                self.announce(event.key, event.message)

    def hold(
        self,
        starts_at: datetime,
        ends_at: datetime,
        camera_ids: Sequence[str] = ("gate",),
        *,
        expires_at: datetime | None = None,
        state: HoldState.ValueType = HoldState.HOLD_STATE_PLACED,
        hold_id: str = "5c7c8a0e-4d0c-4a5b-8a53-0f6f5b8a1f10",
    ) -> None:
        hold = Hold(
            hold_id=hold_id,
            camera_ids=camera_ids,
            starts_at=to_timestamp(starts_at),
            ends_at=to_timestamp(ends_at),
            state=state,
            expires_at=to_timestamp(expires_at or self.clock.now() + 100 * DAY),
            changed_at=to_timestamp(self.clock.now()),
        )
        self.holds[hold_id] = hold
        self.hold_table.apply(hold_id, hold)
