"""Authorisation codes: each counts once, soon, and for the one who asked for it."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from homeward.cli.demo_provider.people import DemoPerson
from homeward.shared.clock import Clock

_LIFETIME_S: Final = 60.0
_MOST: Final = 1_000


@dataclass(frozen=True, slots=True)
class Grant:
    """What a code stands for. `challenge` is PKCE's (S256)."""

    person: DemoPerson
    nonce: str | None
    challenge: str


class Codes:
    """The codes given out. Used by the one thread of the server."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._given: dict[str, tuple[Grant, float]] = {}

    def give(self, grant: Grant) -> str:
        """Return a new code for `grant`."""
        while len(self._given) >= _MOST:
            self._given.pop(next(iter(self._given)))
        code = secrets.token_urlsafe(32)
        self._given[code] = (grant, self._clock.monotonic() + _LIFETIME_S)
        return code

    def take(self, code: str, verifier: str) -> Grant | None:
        """Return what `code` stands for, once; None when it stands for nothing, or not for who holds `verifier`."""
        grant, until = self._given.pop(code, (None, 0.0))
        if grant is None or until <= self._clock.monotonic():
            return None
        digest = hashlib.sha256(verifier.encode(errors="replace")).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return grant if secrets.compare_digest(challenge, grant.challenge) else None
