"""Signs the demo provider's tokens."""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

from homeward.cli.demo_provider.people import DemoPerson
from homeward.cli.demo_provider.place import API_AUDIENCE, CLIENT_ID, DemoPlace
from homeward.shared.authorisation import KeySet, SigningKey

KEY_FILE: Final = "demo-provider.pem"

_ID_TOKEN: Final = timedelta(minutes=5)
_ACCESS_TOKEN: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class DemoIssuer:
    """Vouches for the demo's people by a key of its own, which no other part of the demo signs with."""

    place: DemoPlace
    key: SigningKey

    @classmethod
    def load(cls, place: DemoPlace, keys_folder: Path) -> Self:
        """Return the issuer with the key in `keys_folder`, made now where there is none; raise KeyFileError."""
        path = keys_folder / KEY_FILE
        if not path.exists():
            SigningKey.generate().save(path)
        return cls(place, SigningKey.load(path))

    def jwks(self) -> Mapping[str, Any]:
        """Return the public key as a JWKS."""
        return KeySet.of([self.key.public_key]).to_jwks()

    def id_token(self, person: DemoPerson, nonce: str | None, now: datetime) -> str:
        """Return the token that tells the console who signed in."""
        claims = {"azp": CLIENT_ID} | ({} if nonce is None else {"nonce": nonce})
        return self._signed(person, now, _ID_TOKEN, kind="JWT", audience=CLIENT_ID, more=claims)

    def access_token(self, person: DemoPerson, now: datetime) -> str:
        """Return a bearer token for the API."""
        claims = {"client_id": CLIENT_ID, "jti": secrets.token_urlsafe(16)}
        return self._signed(person, now, _ACCESS_TOKEN, kind="at+jwt", audience=API_AUDIENCE, more=claims)

    def _signed(
        self,
        person: DemoPerson,
        now: datetime,
        lifetime: timedelta,
        *,
        kind: str,
        audience: str,
        more: Mapping[str, str],
    ) -> str:
        issued_at = int(now.timestamp())
        header = {"alg": "EdDSA", "kid": self.key.key_id, "typ": kind}
        claims: dict[str, Any] = {"iss": self.place.issuer, "sub": person.subject, "aud": audience}
        claims |= {"iat": issued_at, "exp": issued_at + int(lifetime.total_seconds())}
        claims |= {"name": person.name, "groups": list(person.groups), **more}
        signed = f"{_segment(header)}.{_segment(claims)}"
        return f"{signed}.{_base64url(self.key.sign(signed.encode()))}"


def _segment(part: Mapping[str, Any]) -> str:
    return _base64url(json.dumps(part, separators=(",", ":")).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
