"""Tokens: an authorisation as a compact JWS, signed with Ed25519 (RFC 7515, RFC 8037)."""

from typing import Final

import jwt

from homeward.shared.authorisation.claims import Claims
from homeward.shared.authorisation.decisions import require
from homeward.shared.authorisation.keys import SigningKey

ALGORITHM: Final = "EdDSA"
TYPE: Final = "homeward-authorisation+jwt"
"""The "typ" of the header (RFC 8725, section 3.11): no other token that the same key may sign passes for this one."""


def issue(claims: Claims, signing_key: SigningKey) -> str:
    """Return the signed token of `claims`.

    Raises AuthorisationDeniedError for claims that no verifier would accept, so that nothing too wide is ever signed.
    """
    require(claims.judge())
    return jwt.encode(
        claims.to_payload(),
        signing_key.private_key,
        algorithm=ALGORITHM,
        headers={"typ": TYPE, "kid": signing_key.key_id},
    )
