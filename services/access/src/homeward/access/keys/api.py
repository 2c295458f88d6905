"""The public keys over HTTP."""

from typing import Any, Literal

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, Field

from homeward.access.keys.keyring import Keyring


class JwkOut(BaseModel):
    """One public key (RFC 8037)."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str
    kid: str = Field(description="The RFC 7638 thumbprint.")
    use: Literal["sig"]
    alg: Literal["EdDSA"]


class JwksOut(BaseModel):
    """The public keys whose signatures count (RFC 7517)."""

    keys: list[JwkOut]


def keys_router(keyring: Keyring) -> APIRouter:
    """Return the public route of the keys."""
    router = APIRouter(tags=["keys"])

    @router.get("/.well-known/jwks.json", summary="The public keys that sign authorisations")
    def jwks(response: Response) -> JwksOut:
        response.headers["Cache-Control"] = "public, max-age=10"
        document: dict[str, Any] = keyring.public().to_jwks()
        return JwksOut.model_validate(document)

    return router
