"""Tokens: an authorisation as a compact JWS, signed with Ed25519 (RFC 7515, RFC 8037)."""

import base64
import json
from collections.abc import Mapping
from typing import Any, Final, Protocol

from homeward.shared.authorisation.claims import Claims
from homeward.shared.authorisation.decisions import require

ALGORITHM: Final = "EdDSA"
TYPE: Final = "homeward-authorisation+jwt"
"""The "typ" of the header (RFC 8725, section 3.11): no other token that the same key may sign passes for this one."""


class Signer(Protocol):
    """A private key, wherever it lies: in this process, or in a key management service that never gives it out."""

    @property
    def key_id(self) -> str:
        """The key's id, its RFC 7638 thumbprint."""
        ...

    def sign(self, document: bytes) -> bytes:
        """Return the key's Ed25519 signature of `document`."""
        ...


def issue(claims: Claims, signer: Signer) -> str:
    """Return the signed token of `claims`.

    Raises AuthorisationDeniedError for claims that no verifier would accept, so that nothing too wide is ever signed,
    and whatever `signer` raises.
    """
    require(claims.judge())
    header = {"alg": ALGORITHM, "kid": signer.key_id, "typ": TYPE}
    signed = f"{_segment(header)}.{_segment(claims.to_payload())}"
    return f"{signed}.{_base64url(signer.sign(signed.encode()))}"


def _segment(document: Mapping[str, Any]) -> str:
    return _base64url(json.dumps(document, separators=(",", ":")).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
