"""The audit room put together: what folds the log, signs it, and shows it."""

from datetime import timedelta
from pathlib import Path

from homeward.access.audit.checkpoints import CheckpointPart, Checkpoints
from homeward.access.audit.exporting import AuditExport
from homeward.access.audit.folding import AuditFolder
from homeward.access.audit.keys import CheckpointKeys
from homeward.access.audit.reading import AuditLog
from homeward.access.audit.transparency import Transparency
from homeward.access.database.database import Database
from homeward.access.metrics import AccessMetrics
from homeward.shared.audit import Audit
from homeward.shared.clock import Clock
from homeward.shared.objectstore.port import ObjectStore


class AuditRoom:
    """What the composition root needs of the room. Raises KeyFileError and AuditUnavailableError as its keys do."""

    def __init__(
        self,
        *,
        database: Database,
        store: ObjectStore,
        audit: Audit,
        clock: Clock,
        keys_folder: Path,
        sign_every: timedelta,
        metrics: AccessMetrics,
    ) -> None:
        """`keys_folder` is the log's own; its key is made at the first start."""
        keys = CheckpointKeys.of_folder(keys_folder, audit)
        self.public_keys = keys.public
        self.folder = AuditFolder(database)
        self.log = AuditLog(database, audit)
        self.export = AuditExport(database, audit)
        self.transparency = Transparency(database, clock)
        self.signing = CheckpointPart(
            Checkpoints(database=database, store=store, keys=keys, clock=clock),
            every=sign_every,
            clock=clock,
            metrics=metrics,
        )
