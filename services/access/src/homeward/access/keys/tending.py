"""The part that keeps the keys in order."""

import threading
from pathlib import Path
from typing import Final

from homeward.access.database.database import DatabaseAwayError
from homeward.access.keys.keyring import Keyring
from homeward.access.keys.ports import KeyStoreError
from homeward.shared.audit import AuditUnavailableError
from homeward.shared.authorisation import KeyFileError
from homeward.shared.telemetry.logging import get_logger

_LOOK_S: Final = 1.0

_log = get_logger()


class KeyTender:
    """Looks after the keys each second, and writes the public ones to `jwks`."""

    def __init__(self, keyring: Keyring, jwks: Path) -> None:
        self.name = "keys"
        self._keyring = keyring
        self._jwks = jwks
        self._well = threading.Event()

    def ready(self) -> bool:
        """Whether the last look went well."""
        return self._well.is_set()

    def run(self, stop: threading.Event) -> None:
        """Look each second until `stop` is set."""
        while not stop.is_set():
            try:
                self._keyring.tend(self._jwks)
            except (AuditUnavailableError, DatabaseAwayError, KeyFileError, KeyStoreError) as error:
                self._well.clear()
                _log.warning("keys are not tended", error=error)
            else:
                self._well.set()
            stop.wait(_LOOK_S)
