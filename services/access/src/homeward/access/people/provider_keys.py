"""The provider's public keys, kept for a while and fetched anew at a bounded rate."""

import threading
from collections.abc import Collection, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from homeward.access.people.ports import Provider, ProviderAwayError
from homeward.shared.clock import Clock
from homeward.shared.telemetry.logging import get_logger

KEPT: Final = timedelta(minutes=10)
"""After this a key that the provider took back counts no more, while the provider answers."""
STALE: Final = timedelta(hours=1)
"""How long known keys serve while the provider does not answer."""
PAUSE: Final = timedelta(seconds=30)
"""Between two fetches, whatever tokens name: invented key ids make no load at the provider."""

_MOST_KEYS: Final = 50
_RSA_BITS: Final = 2048

_log = get_logger()


class ProviderKeys:
    """Finds the key that a token names. Safe to use from several threads; one fetches while the others wait."""

    def __init__(self, provider: Provider, clock: Clock, algorithms: Collection[str]) -> None:
        """Keys of other algorithms than `algorithms` are as if they were not there."""
        self._provider = provider
        self._clock = clock
        self._algorithms = frozenset(algorithms)
        self._keys: Mapping[str, PyJWK] = MappingProxyType({})
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._lock = threading.Lock()

    def find(self, key_id: str) -> PyJWK | None:
        """Return the key `key_id`, None when the provider has none.

        Blocks for a fetch at most. Raises ProviderAwayError when no keys are known, or none that are young enough.
        """
        with self._lock:
            if self._is_older_than(KEPT) or key_id not in self._keys:
                self._refresh()
            if self._is_older_than(STALE):
                raise ProviderAwayError("the sign-in provider's keys are not to be had")
            return self._keys.get(key_id)

    def _is_older_than(self, age: timedelta) -> bool:
        return self._fetched_at is None or self._clock.monotonic() - self._fetched_at >= age.total_seconds()

    def _refresh(self) -> None:
        now = self._clock.monotonic()
        if self._tried_at is not None and now - self._tried_at < PAUSE.total_seconds():
            return
        self._tried_at = now
        try:
            document = self._provider.key_set()
        except ProviderAwayError as error:
            _log.warning("the sign-in provider's keys could not be fetched", error=error)
            return
        self._keys = MappingProxyType(_readable(document, self._algorithms))
        self._fetched_at = now


def _readable(document: Mapping[str, Any], algorithms: Collection[str]) -> dict[str, PyJWK]:
    listed = document.get("keys")
    found: dict[str, PyJWK] = {}
    for jwk in listed[:_MOST_KEYS] if isinstance(listed, list) else []:
        key = _key(jwk)
        # A secret shared by both sides ("oct") among public keys would let whoever reads them sign.
        if key is not None and key.algorithm_name in algorithms and isinstance(key.key_id, str):
            found.setdefault(key.key_id, key)
    return found


def _key(jwk: object) -> PyJWK | None:
    if not isinstance(jwk, dict) or jwk.get("use", "sig") != "sig" or jwk.get("kty") not in {"RSA", "EC", "OKP"}:
        return None
    try:
        key = PyJWK(jwk)
    except PyJWTError:
        return None
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < _RSA_BITS:
        return None
    return key
