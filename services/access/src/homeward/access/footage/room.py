"""What the footage room consists of, put together."""

from homeward.access.database.database import Database
from homeward.access.footage.cameras import CameraTable
from homeward.access.footage.footage import Footage
from homeward.access.footage.grants import FootageGate
from homeward.access.footage.runs import Coverage, RunFold
from homeward.shared.audit import Audit
from homeward.shared.clock import Clock


class FootageRoom:
    """The cameras, what is told of their time, and who may look at what."""

    def __init__(self, database: Database, audit: Audit, clock: Clock) -> None:
        self.cameras = CameraTable()
        self.folding = RunFold(database, clock)
        self.footage = Footage(self.cameras, Coverage(database), FootageGate(database, audit, clock), clock)
