"""The partitions that this replica owned last, in one file."""

import json
import os
from pathlib import Path

from homeward.ingest.adapters.spool_files import sync_folder
from homeward.ingest.sharing.membership import Memory, Remembered
from homeward.shared.telemetry.logging import get_logger

_log = get_logger()


class TenureFile:
    """The port `TenureMemory` on a file of the local disk. Every method may raise OSError."""

    def __init__(self, path: Path) -> None:
        """Make the file's folder when it is not there."""
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def recall(self) -> Memory:
        """Return what was remembered; nothing where there is nothing that can be read."""
        if not self._path.exists():
            return Memory()
        try:
            record = json.loads(self._path.read_bytes())
            owned = {int(partition): Remembered(*map(int, pair)) for partition, pair in record["owned"].items()}
            return Memory(int(record["partitions"]), owned)
        except (ValueError, KeyError, TypeError, AttributeError):
            # Written whole, so a failing disk or a foreign hand; without it the group alone says what is owned.
            _log.error("remembered partitions are unreadable")
            return Memory()

    def remember(self, memory: Memory) -> None:
        """Replace what is remembered, durably."""
        owned = {str(partition): [one.epoch, one.run] for partition, one in (memory.owned or {}).items()}
        aside = self._path.with_suffix(".part")
        with aside.open("wb") as file:
            file.write(json.dumps({"partitions": memory.partitions, "owned": owned}).encode())
            file.flush()
            os.fsync(file.fileno())
        aside.rename(self._path)
        sync_folder(self._path.parent)
