"""Tells each minute how the recording of each camera goes, and at once when its state changes."""

import hashlib
import queue
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol

from homeward.ingest.media.clockdrift import ClockLimits
from homeward.ingest.media.stretches import SOURCE
from homeward.ingest.ports import CameraState as Remembered
from homeward.ingest.status.figures import CameraFigures, Counts, FigureBook
from homeward.ingest.status.report import Measurement, OwnedCamera, Rates, Waiting, measure, state_of
from homeward.shared.clock import Clock
from homeward.shared.events import Event, new_event, removal
from homeward.shared.ids import state_event_id
from homeward.shared.runtime.producer import DeliveryError, EventSender
from homeward.shared.telemetry.logging import get_logger
from homeward.shared.topics import CAMERA_STATUS
from homewardapi.camera.v1.camera_status_pb2 import CameraState

PERIOD_S: Final = 60.0
"""A status a minute. A camera's turn within the minute follows from its id, so that they never speak all at once."""

EXTRA_S: Final = 10.0
"""A camera whose state changes to and fro is told once in so many seconds."""

_TURN_S: Final = 1.0
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_log = get_logger()


class Roster(Protocol):
    """Which cameras this replica answers for. Safe to use from several threads; returns at once."""

    def cameras(self) -> Mapping[str, OwnedCamera]:
        """Return each camera of which this replica tells, by id."""
        ...

    def is_removed(self, camera_id: str) -> bool:
        """Whether there is surely no such camera any more, at any replica."""
        ...


class SpoolDepth(Protocol):
    """What is asked of the spool. Safe to use from several threads; returns at once."""

    def cameras(self) -> list[str]:
        """Return the ids of the cameras of which anything is remembered."""
        ...

    def state(self, camera_id: str) -> Remembered:
        """Return what is remembered of the camera."""
        ...

    def waiting(self, camera_id: str) -> Waiting:
        """Return what of the camera waits to be sent."""
        ...

    def filling(self) -> bool:
        """Whether more than half of the bound is used."""
        ...


class StatusBoard(Protocol):
    """Shows what was measured last. Safe to use from several threads; returns at once."""

    def show(self, measurement: Measurement) -> None:
        """Show a camera as it was just measured."""
        ...

    def remove(self, camera_id: str) -> None:
        """Show a camera no more."""
        ...

    def skipped(self, statuses: int) -> None:
        """Count statuses that could not be told."""
        ...


@dataclass(slots=True)
class _Told:
    """What was told of one camera. Times are those of the monotonic clock, in seconds."""

    due_s: float
    counted_s: float
    counts: Counts = field(default_factory=Counts)
    state: CameraState.ValueType | None = None
    changed_s: float | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What is told at once: statuses, which may be skipped, and removals, which may not."""

    statuses: tuple[Event, ...]
    removals: tuple[Event, ...]

    def __bool__(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.statuses or self.removals)


class StatusTeller:
    """A part that tells how the recording of this replica's cameras goes.

    It works on threads of its own and is waited for by nobody. What cannot be told is skipped: the next minute tells
    more than the last one would have. Removals alone are kept until they are told.
    """

    name = "status"

    def __init__(
        self,
        roster: Roster,
        book: FigureBook,
        spool: SpoolDepth,
        producer: EventSender,
        board: StatusBoard,
        *,
        clock: Clock,
        limits: ClockLimits | None = None,
    ) -> None:
        self._roster = roster
        self._book = book
        self._spool = spool
        self._producer = producer
        self._board = board
        self._clock = clock
        self._limits = limits or ClockLimits()
        self._told: dict[str, _Told] = {}
        self._removed: set[str] = set()
        self._confirmed: deque[str] = deque()
        """Removals that Kafka took; written by the thread that sends."""
        # What an earlier process recorded may have been removed while nothing ran.
        self._doubtful: set[str] = set(spool.cameras())

    def ready(self) -> bool:
        """Whether the part works: always, since nothing waits for a status."""
        return True

    def run(self, stop: threading.Event) -> None:
        """Tell until `stop`. Kafka is waited for on another thread, so that nothing here waits for it."""
        batches: queue.Queue[Batch] = queue.Queue(maxsize=1)

        def work() -> None:
            while True:
                self.tell(batches.get())

        # Daemonic: what Kafka does not take must not keep the process from ending.
        threading.Thread(target=work, name="status-sender", daemon=True).start()
        while not stop.is_set():
            batch = self.turn()
            if batch:
                try:
                    batches.put_nowait(batch)
                except queue.Full:
                    self._board.skipped(len(batch.statuses))
            stop.wait(_TURN_S)

    def turn(self) -> Batch:
        """Return what is due now. Returns at once."""
        while self._confirmed:
            self._removed.discard(self._confirmed.popleft())
        owned = self._roster.cameras()
        self._let_go(owned)
        now, mono_s = self._clock.now(), self._clock.monotonic()
        filling = self._spool.filling()
        statuses = []
        for camera_id, camera in owned.items():
            one = self._measure(camera_id, camera, now, mono_s, filling=filling)
            if one is not None:
                self._board.show(one)
                event_id = state_event_id("camera-status", camera_id, now)
                statuses.append(new_event(CAMERA_STATUS, event_id, SOURCE, now, one.message()))
        removals = [
            removal(CAMERA_STATUS, state_event_id("camera-status", camera_id, now), SOURCE, now, camera_id)
            for camera_id in sorted(self._removed)
        ]
        return Batch(tuple(statuses), tuple(removals))

    def tell(self, batch: Batch) -> None:
        """Send a batch. Blocks for as long as Kafka takes, and raises nothing when it is away."""
        try:
            self._producer.send([*batch.removals, *batch.statuses])
        except DeliveryError as error:
            self._board.skipped(len(batch.statuses))
            _log.warning("cameras' status not told", count=len(batch.statuses), error=error)
        else:
            self._confirmed.extend(event.key for event in batch.removals)

    def _let_go(self, owned: Mapping[str, OwnedCamera]) -> None:
        for camera_id in self._told.keys() - owned.keys():
            del self._told[camera_id]
            self._book.forget(camera_id)
            self._board.remove(camera_id)
            self._doubtful.add(camera_id)
        gone = {camera_id for camera_id in self._doubtful if self._roster.is_removed(camera_id)}
        # A camera that moved to another replica is told by that one.
        self._doubtful -= gone
        self._removed = (self._removed | gone) - owned.keys()

    def _measure(
        self, camera_id: str, camera: OwnedCamera, now: datetime, mono_s: float, *, filling: bool
    ) -> Measurement | None:
        figures = self._book.of(camera_id)
        told = self._told.get(camera_id)
        if told is None:
            told = self._told[camera_id] = _Told(mono_s + _until_turn_s(camera_id, now), mono_s, figures.counts())
        state = state_of(camera, now, connected=figures.is_connected, done=self._done(camera_id, camera))
        due = mono_s >= told.due_s
        changed = state != told.state and (told.changed_s is None or mono_s - told.changed_s >= EXTRA_S)
        if not due and not changed:
            return None
        rates = self._rates(told, figures, mono_s, due=due)
        if state != told.state:
            told.changed_s = mono_s
        told.state = state
        if due:
            # By the wall clock again, so that the cameras stay spread out after a time in which none could be told.
            told.due_s = mono_s + _until_turn_s(camera_id, now)
        # In the order in which a stretch passes through: what is told between two of these readings is only told later.
        last_clip = figures.last_clip
        remembered = self._spool.state(camera_id)
        waiting = self._spool.waiting(camera_id)
        return measure(
            camera_id,
            camera,
            figures,
            at=now,
            state=state,
            rates=rates,
            waiting=waiting,
            last_clip=last_clip,
            told_through=_told_through(remembered, waiting),
            spool_filling=filling,
            limits=self._limits,
        )

    def _rates(self, told: _Told, figures: CameraFigures, mono_s: float, *, due: bool) -> Rates:
        counts, seconds = figures.counts(), mono_s - told.counted_s
        rates = Rates.between(told.counts, counts, seconds, whole=seconds >= PERIOD_S - _TURN_S)
        if due:
            told.counts, told.counted_s = counts, mono_s
        return rates

    def _done(self, camera_id: str, camera: OwnedCamera) -> bool:
        return not camera.live and self._spool.state(camera_id).complete


def _told_through(remembered: Remembered, waiting: Waiting) -> datetime | None:
    """Return up to when everything is told; None where that is not known."""
    if remembered.owed is not None:
        # Before what this replica told lies time of which only the log knows.
        return None
    # Stretches go out in order: up to the first that waits, everything is told.
    return waiting.begins_at or remembered.through


def _until_turn_s(camera_id: str, now: datetime) -> float:
    """Return how many seconds from `now`, more than 0, the camera's turn in the minute is."""
    digest = hashlib.sha256(camera_id.encode()).digest()
    offset_s = int.from_bytes(digest[:4], "big") / 2**32 * PERIOD_S
    return PERIOD_S - ((now - _EPOCH).total_seconds() - offset_s) % PERIOD_S
