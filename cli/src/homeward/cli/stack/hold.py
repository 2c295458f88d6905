"""One Homeward a data folder: two brokers or stores on the same files would spoil them."""

import fcntl
import os
from pathlib import Path
from typing import Final

from homeward.cli.embedded.process import ProcessError

_FILE: Final = ".running"


class FolderHold:
    """The right to run on a folder; the system takes it back when the process dies, however it dies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take it, or raise ProcessError at once where another process has it."""
        descriptor = os.open(self._folder / _FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise ProcessError(
                f"another Homeward keeps its data in {self._folder}: stop that one, or name another folder"
            ) from error
        self._descriptor = descriptor

    def give_back(self) -> None:
        """Let others run on the folder; where it was not taken, nothing happens."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
