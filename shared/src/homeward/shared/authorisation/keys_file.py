"""The public keys in a file that changes while they are used."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from homeward.shared.authorisation.keys import KeyFileError, KeySet
from homeward.shared.clock import Clock
from homeward.shared.telemetry.logging import get_logger

_LOOK_S: Final = 1.0
"""How old the answer may be: far less than a new key is published before it signs."""

_log = get_logger()


class PublicKeys(Protocol):
    """The public keys whose signatures count, now."""

    @property
    def keys(self) -> Mapping[str, Ed25519PublicKey]:
        """Return them by id. Safe to call from several threads; blocks for a look at a file at most."""
        ...


class KeysFile:
    """The keys of the JWKS file at `path`, read anew when the file changes, so that keys rotate without a restart.

    Where there is no file yet no signature counts until there is one: services start in any order, access writes it.
    Raises KeyFileError when it is made and there is a file that is not fit to be used. A file that is unfit later, or
    gone, changes nothing: the keys that were read last count on, and a log line tells it.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._mark = self._now()
        if self._mark is None:
            _log.warning("there are no public keys yet, so that no signature counts")
            self._keys = KeySet.of([])
        else:
            self._keys = KeySet.from_jwks_file(path)
        self._looked_at = clock.monotonic()

    @property
    def keys(self) -> Mapping[str, Ed25519PublicKey]:
        """Return the keys by id."""
        with self._lock:
            # Without any keys each look is worth it: what is asked the moment after they come must not be refused.
            if not self._keys.keys or self._clock.monotonic() - self._looked_at >= _LOOK_S:
                self._looked_at = self._clock.monotonic()
                self._look()
            return self._keys.keys

    def _look(self) -> None:
        mark = self._now()
        if mark == self._mark:
            return
        self._mark = mark
        try:
            self._keys = KeySet.from_jwks_file(self._path)
        except KeyFileError as error:
            _log.warning("changed keys are not used", error=error)
        else:
            _log.info("keys were read anew")

    def _now(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size
