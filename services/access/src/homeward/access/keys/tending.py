"""The part that keeps the keys in order."""

from datetime import timedelta
from pathlib import Path
from typing import Final

from homeward.access.database.database import DatabaseAwayError
from homeward.access.keys.keyring import Keyring
from homeward.access.keys.ports import KeyStoreError
from homeward.shared.audit import AuditUnavailableError
from homeward.shared.authorisation import KeyFileError
from homeward.shared.runtime.repeating import Repeating

_LOOK: Final = timedelta(seconds=1)


def key_tender(keyring: Keyring, jwks: Path) -> Repeating:
    """Return the part that looks after the keys each second, and writes the public ones to `jwks`."""
    patient = (AuditUnavailableError, DatabaseAwayError, KeyFileError, KeyStoreError)
    return Repeating("keys", lambda: keyring.tend(jwks), _LOOK, patient)
