"""Signs what the log holds, again and again, into the bucket whose objects nobody can change."""

import threading
from datetime import timedelta
from typing import Final

from sqlalchemy import select

from homeward.access.audit.keys import CheckpointKeys
from homeward.access.audit.tables import AuditCheckpoint, AuditLine
from homeward.access.audit.tree import StoredTree, frontier_of
from homeward.access.database.database import Database, DatabaseAwayError
from homeward.access.metrics import AccessMetrics
from homeward.shared.audit_log.checkpoint import Anchor, Checkpoint, MalformedCheckpointError, SignedCheckpoint
from homeward.shared.clock import Clock
from homeward.shared.instants import format_instant
from homeward.shared.objectkeys import AUDIT_BUCKET
from homeward.shared.objectstore.port import ObjectStore, ObjectStoreError
from homeward.shared.telemetry.logging import get_logger

KEPT: Final = timedelta(days=730)
"""How long a checkpoint cannot be deleted by anybody: as long as the topic keeps the records."""

WIDEST_LINES: Final = 50_000
"""Lines that one checkpoint adds at most, 3 MB of hashes: a log that is folded anew is signed in steps."""

_log = get_logger()


class ForkedLogError(Exception):
    """The log is not the one that was signed before: it is shorter, or other records stand in it."""


class Checkpoints:
    """Signs the log where it has grown, and only where it still begins with what was signed before.

    What was signed before is read from the bucket, once a process: the database may be an old copy.
    """

    def __init__(self, *, database: Database, store: ObjectStore, keys: CheckpointKeys, clock: Clock) -> None:
        self._database = database
        self._store = store
        self._keys = keys
        self._clock = clock
        self._last: Checkpoint | None = None

    def sign(self) -> bool:
        """Sign what is new; return whether more is left to sign.

        Raises ForkedLogError, and DatabaseAwayError or ObjectStoreError when something is away: calling again goes on.
        """
        last = self._last or self._newest()
        with self._database.read() as session:
            frontier, _ = frontier_of(session)
            if last is not None and last.size > frontier.size:
                raise ForkedLogError(f"the log holds {frontier.size} records, and {last.size} were signed")
            tree = StoredTree(session)
            if last is not None and tree.root(last.size) != last.root:
                raise ForkedLogError(f"the first {last.size} records are not those that were signed")
            first = 0 if last is None else last.size
            size = min(frontier.size, first + WIDEST_LINES)
            if size == first:
                return False
            leaves = session.scalars(
                select(AuditLine.digest)
                .where(AuditLine.number >= first, AuditLine.number < size)
                .order_by(AuditLine.number)
            ).all()
            checkpoint = Checkpoint(size, tree.root(size), self._clock.now())
        signed = SignedCheckpoint.sign(checkpoint, self._keys.signing)
        self._keep(Anchor(signed, first, leaves))
        self._last = checkpoint
        _log.info("audit log signed", records=size)
        return size < frontier.size

    def _keep(self, anchor: Anchor) -> None:
        checkpoint = anchor.signed.checkpoint
        at = checkpoint.signed_at
        self._store.put(
            AUDIT_BUCKET,
            f"{at.date().isoformat()}/{checkpoint.size:020d}-{format_instant(at)}.json",
            anchor.to_json(),
            content_type="application/json",
            retain_until=at + KEPT,
        )
        # After the bucket: what copies end with can then be found there by whoever verifies them.
        with self._database.begin() as session:
            session.merge(AuditCheckpoint(size=checkpoint.size, signed_at=at, note=anchor.signed.note))

    def _newest(self) -> Checkpoint | None:
        """Return the widest checkpoint of ours in the bucket, and None where nothing was signed yet."""
        for day in sorted(self._store.list_prefixes(AUDIT_BUCKET), reverse=True):
            widest: Checkpoint | None = None
            for key in sorted((info.key for info in self._store.list(AUDIT_BUCKET, day)), reverse=True):
                widest = self._read(key)
                if widest is not None:
                    return widest
        return None

    def _read(self, key: str) -> Checkpoint | None:
        try:
            anchor = Anchor.from_json(self._store.get(AUDIT_BUCKET, key))
        except MalformedCheckpointError:
            return None
        return anchor.signed.checkpoint if anchor.signed.signed_by(self._keys.public) else None


class CheckpointPart:
    """A part that signs every so often. While it cannot, people go on: stopping a search must not wait for a bucket."""

    def __init__(self, checkpoints: Checkpoints, *, every: timedelta, clock: Clock, metrics: AccessMetrics) -> None:
        self.name = "audit checkpoints"
        self._checkpoints = checkpoints
        self._every_s = every.total_seconds()
        self._clock = clock
        self._metrics = metrics

    def ready(self) -> bool:
        """Whether people may be served: always."""
        return True

    def run(self, stop: threading.Event) -> None:
        """Sign until `stop` is set."""
        while not stop.is_set():
            if not self._sign():
                stop.wait(self._every_s)

    def _sign(self) -> bool:
        """Sign; return whether more is left."""
        try:
            more = self._checkpoints.sign()
        except ForkedLogError as error:
            self._fail("forked", error)
        except DatabaseAwayError as error:
            self._fail("database", error)
        except ObjectStoreError as error:
            self._fail("object store", error)
        else:
            self._metrics.audit_looked_at.set(self._clock.now().timestamp())
            return more
        return False

    def _fail(self, cause: str, error: Exception) -> None:
        self._metrics.audit_failures.labels(cause).inc()
        _log.error("audit log is not signed", error=error)
