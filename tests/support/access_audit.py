"""The audit room of access in memory: what is told is folded at once, and signed when a test says so."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from homeward.access.audit.checkpoints import Checkpoints
from homeward.access.audit.exporting import AuditExport
from homeward.access.audit.folding import AuditFolder
from homeward.access.audit.keys import CheckpointKeys
from homeward.access.audit.reading import AuditLog
from homeward.access.audit.transparency import Transparency
from homeward.shared.audit import AuditUnavailableError, Entry, audit_event
from homeward.shared.audit_log.checkpoint import Anchor
from homeward.shared.objectkeys import AUDIT_BUCKET
from homeward.shared.objectstore.memory_store import MemoryStore
from support import access_world
from support.access_world import NOON, MovableClock


class FoldedAudit:
    """The port `Audit` with the topic and its consumer in between left out; `away` refuses everything."""

    def __init__(self, folder: AuditFolder, clock: MovableClock) -> None:
        self.away = False
        self._folder = folder
        self._clock = clock

    def record(self, *entries: Entry) -> None:
        if self.away:
            raise AuditUnavailableError("the audit log is away")
        self.fold(self._clock.now(), *entries)
        # Two like entries at one moment would be one.
        self._clock.move(timedelta(microseconds=1))

    def fold(self, at: datetime, *entries: Entry) -> None:
        for entry in entries:
            self._folder.handle(audit_event(entry, "homeward/test", at))


class AuditWorld:
    def __init__(self, folder: Path) -> None:
        self.clock = MovableClock(NOON)
        self.store = MemoryStore(self.clock)
        self.store.ensure_bucket(AUDIT_BUCKET, object_lock=True)
        self.keys = CheckpointKeys.of_folder(folder / "audit", access_world.RecordedAudit())
        self.database = access_world.database()
        self.audit = FoldedAudit(AuditFolder(self.database), self.clock)
        self.log = AuditLog(self.database, self.audit)
        self.export = AuditExport(self.database, self.audit)
        self.transparency = Transparency(self.database, self.clock)
        self.checkpoints = Checkpoints(database=self.database, store=self.store, keys=self.keys, clock=self.clock)

    def sign(self) -> None:
        while self.checkpoints.sign():
            pass

    @property
    def anchors(self) -> Sequence[Anchor]:
        keys = sorted(info.key for info in self.store.list(AUDIT_BUCKET))
        return [Anchor.from_json(self.store.get(AUDIT_BUCKET, key)) for key in keys]
