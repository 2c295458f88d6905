"""Deletes footage and crops past their time, by listing, and says what a second listing still showed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from types import MappingProxyType
from typing import Final, Protocol

from homeward.retention.expiry import ONE_DAY, Held, camera_of, day_end, is_due, may_hold_due
from homeward.retention.limits import CEILING
from homeward.retention.metrics import RetentionMetrics
from homeward.retention.ports import Events
from homeward.retention.source import SOURCE
from homeward.shared.audit import DELETION_DUE, DELETION_GONE, DELETION_LEFT, Audit, Entry, deletion_code
from homeward.shared.clock import Clock
from homeward.shared.events import new_event
from homeward.shared.ids import derived_id
from homeward.shared.instants import format_instant, to_timestamp
from homeward.shared.objectkeys import CROPS_BUCKET, FOOTAGE_BUCKET
from homeward.shared.objectstore.port import ObjectInfo, ObjectLockedError, ObjectStore
from homeward.shared.telemetry.logging import get_logger
from homeward.shared.topics import DELETIONS
from homewardapi.audit.v1 import audit_pb2
from homewardapi.deletion.v1.deletion_pb2 import DeletedStore, Deletion, DeletionReason

SWEPT_BUCKETS: Final[Mapping[str, DeletedStore.ValueType]] = MappingProxyType(
    {
        FOOTAGE_BUCKET: DeletedStore.DELETED_STORE_FOOTAGE,
        CROPS_BUCKET: DeletedStore.DELETED_STORE_CROPS,
    }
)

MARKER: Final = ".deleting"
"""An empty object in a day that is being deleted. It goes when the deletion has been announced, so that a day whose
announcement a crash prevented is found again by its prefix, although nothing else is left in it."""

_BATCH: Final = 1000
"""Keys a deletion, S3's own limit. A day of a city is millions of keys: they are never held all at once."""

_log = get_logger()


@dataclass(slots=True)
class _Tally:
    due: int = 0
    due_bytes: int = 0
    others: int = 0
    newest: str = ""

    def count(self, info: ObjectInfo, *, due: bool) -> None:
        if due:
            self.due += 1
            self.due_bytes += info.size_bytes
            self.newest = max(self.newest, info.key)
        else:
            self.others += 1


class Limits(Protocol):
    """How long the footage of each camera lives."""

    def limit(self, camera_id: str, taken_at: datetime) -> timedelta:
        """Return how long the camera's footage of `taken_at` may live."""
        ...

    def shorter(self) -> AbstractSet[str]:
        """Return the cameras of which some footage lives less long than others'."""
        ...


class _Day:
    """What is recorded of one day's deletion in one bucket: that it begins, before anything goes, and what it came to.

    Once a day and sweep, however many cameras have a limit of their own.
    """

    def __init__(self, audit: Audit, bucket: str, prefix: str) -> None:
        self._audit = audit
        self._bucket = bucket
        # What stands under no day is told without one.
        self._day = None if day_end(prefix) is None else prefix.partition("/")[0]
        self._begun = False
        self._deleted = 0
        self._left = 0

    def begin(self) -> None:
        """Record that something of the day is about to be deleted. Raises AuditUnavailableError: nothing may go."""
        if not self._begun:
            self._record(DELETION_DUE)
            self._begun = True

    def count(self, deleted: int, left: int) -> None:
        """Add what a second listing showed: objects `deleted`, and due objects `left`."""
        self._deleted += deleted
        self._left += left

    def end(self) -> None:
        """Record what the deletion came to, where there was one. Raises AuditUnavailableError."""
        if self._begun:
            self._record(DELETION_LEFT if self._left else DELETION_GONE, self._deleted)

    def _record(self, state: str, objects: int | None = None) -> None:
        code = deletion_code(self._bucket, state)
        self._audit.record(Entry(audit_pb2.AUDIT_ACTION_DELETED, SOURCE, code=code, day=self._day, objects=objects))


class Sweeper:
    """Sweeps the buckets of footage and crops. `held` answers what is held now."""

    def __init__(
        self,
        *,
        store: ObjectStore,
        events: Events,
        audit: Audit,
        held: Callable[[datetime], Sequence[Held]],
        clock: Clock,
        metrics: RetentionMetrics,
        limits: Limits,
    ) -> None:
        self._store = store
        self._events = events
        self._audit = audit
        self._held = held
        self._clock = clock
        self._metrics = metrics
        self._limits = limits

    def sweep(self) -> None:
        """Delete everything past its time that no hold keeps, and announce it day by day.

        Recorded before it begins, day by day. Raises ObjectStoreUnavailableError, DeliveryError or
        AuditUnavailableError: the next sweep takes up what is left.
        """
        now = self._clock.now()
        shorter = self._limits.shorter()
        for bucket in SWEPT_BUCKETS:
            for prefix in list(self._store.list_prefixes(bucket)):
                told = _Day(self._audit, bucket, prefix)
                if may_hold_due(prefix, now - CEILING):
                    self._sweep_prefix(bucket, prefix, told)
                elif shorter:
                    self._sweep_cameras(bucket, prefix, shorter, told)
                told.end()

    def _sweep_cameras(self, bucket: str, day: str, shorter: AbstractSet[str], told: _Day) -> None:
        """Sweep those folders of a young day in which a camera's own limit may have passed."""
        end = day_end(day)
        if end is None:
            return
        for prefix in list(self._store.list_prefixes(bucket, day)):
            camera_id = camera_of(prefix)
            if camera_id is None or camera_id not in shorter:
                continue
            # The limit of a day's first moment is the shortest of the day.
            if may_hold_due(prefix, self._clock.now() - self._limits.limit(camera_id, end - ONE_DAY)):
                self._sweep_prefix(bucket, prefix, told)

    def _sweep_prefix(self, bucket: str, prefix: str, told: _Day) -> None:
        # One moment for both listings, so that what comes due in between is not counted as deleted.
        at = self._clock.now()
        held = self._held(at)
        before, marked = self._delete(bucket, prefix, at, held, told)
        if not marked:
            return
        after = _Tally()
        for info in self._objects(bucket, prefix):
            after.count(info, due=is_due(info, at, self._limits.limit, held))
        deleted = max(0, before.due - after.due)
        remaining = after.due + after.others
        told.count(deleted, after.due)
        gone = remaining == 0 and self._over(prefix, at)
        now = self._clock.now()
        # A day is gone once; parts of it go pass by pass, each named by the newest object that it deleted.
        part = "gone" if gone else before.newest or format_instant(at)
        deletion = Deletion(
            deletion_id=derived_id("deletion", bucket, prefix, part),
            reason=DeletionReason.DELETION_REASON_RETENTION,
            store=SWEPT_BUCKETS[bucket],
            prefix=prefix,
            objects_deleted=deleted,
            bytes_deleted=max(0, before.due_bytes - after.due_bytes),
            objects_remaining=remaining,
            deleted_at=to_timestamp(now),
        )
        self._events.send([new_event(DELETIONS, deletion.deletion_id, SOURCE, now, deletion)])
        self._store.delete(bucket, prefix + MARKER)
        self._metrics.objects_deleted.labels(bucket).inc(deleted)
        _log.info(
            "deleted past its time", bucket=bucket, day_ends_at=day_end(prefix), deleted=deleted, objects=remaining
        )

    def _delete(self, bucket: str, prefix: str, at: datetime, held: Sequence[Held], told: _Day) -> tuple[_Tally, bool]:
        """Delete what is due; return the count of what was listed and whether there is anything to announce."""
        tally = _Tally()
        marked = any(info.key == prefix + MARKER for info in islice(self._store.list(bucket, prefix + MARKER), 1))
        batch: list[str] = []
        for info in self._objects(bucket, prefix):
            due = is_due(info, at, self._limits.limit, held)
            tally.count(info, due=due)
            if not due:
                continue
            told.begin()
            if not marked:
                self._store.put(bucket, prefix + MARKER, b"")
                marked = True
            batch.append(info.key)
            if len(batch) == _BATCH:
                self._delete_batch(bucket, batch)
                batch = []
        self._delete_batch(bucket, batch)
        return tally, marked

    def _over(self, prefix: str, at: datetime) -> bool:
        """Whether everything that can ever stand under the prefix is past its time at `at`."""
        end = day_end(prefix)
        if end is None:
            return False
        camera_id = camera_of(prefix)
        return end + (CEILING if camera_id is None else self._limits.limit(camera_id, end)) <= at

    def _delete_batch(self, bucket: str, keys: Sequence[str]) -> None:
        if not keys:
            return
        try:
            self._store.delete_many(bucket, keys)
        except ObjectLockedError:
            # The others are gone all the same, and the second listing counts what stayed.
            _log.warning("locked objects stay past their time", bucket=bucket)

    def _objects(self, bucket: str, prefix: str) -> Iterator[ObjectInfo]:
        return (info for info in self._store.list(bucket, prefix) if info.key != prefix + MARKER)
