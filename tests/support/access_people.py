"""Sign-in for tests of access: somebody who simply is signed in, and a provider in memory with real keys."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from fastapi import APIRouter, Request
from httpx2 import Response
from jwt.algorithms import ECAlgorithm
from starlette.testclient import TestClient

from homeward.access.database.database import Database
from homeward.access.errors import ForbiddenError
from homeward.access.people.csrf import HEADER, csrf_token
from homeward.access.people.ports import CodeRefusedError, Endpoints, ProviderAwayError
from homeward.access.people.principal import Principal, Role
from homeward.access.people.rates import RateLimiter
from homeward.access.people.room import PeopleRoom
from homeward.access.people.routes import people_router
from homeward.access.settings import OidcSettings, RateSettings, SessionSettings
from homeward.access.web.app import build_app
from homeward.access.web.client import ClientAddress
from homeward.access.web.gate import Authenticator, Gate
from homeward.access.web.limits import Limits
from homeward.access.web.security import SecurityHeaders, Shield
from homeward.shared.authorisation.ranks import Rank
from support.access_world import MovableClock, RecordedAudit, database

ORIGIN: Final = "https://homeward.test"
ISSUER: Final = "https://provider.test"
CLIENT_ID: Final = "homeward-console"
API_AUDIENCE: Final = "homeward-api"
CSRF: Final = "the-token-of-the-test"


class SignedIn:
    """An authenticator for tests of routes: `principal` is signed in, until the test says somebody else.

    A change needs the header X-CSRF-Token with `CSRF`, or no test would see a form without it.
    """

    def __init__(self, principal: Principal | None = None) -> None:
        self.principal = principal

    def authenticate(self, request: Request) -> Principal | None:
        if self.principal is not None and request.method not in {"GET", "HEAD"} and request.headers.get(HEADER) != CSRF:
            raise ForbiddenError("csrf", "load the page anew")
        return self.principal

    def csrf(self, request: Request) -> str:
        del request
        return CSRF if self.principal is not None else ""


class Groups:
    """A role table: a group is a role's name, or a rank's."""

    def roles_of(self, groups: Iterable[str]) -> tuple[frozenset[Role], Rank]:
        held = set(groups)
        ranks = [rank for rank in Rank if rank.value in held]
        return frozenset(role for role in Role if role.value in held), ranks[-1] if ranks else Rank.OFFICER


@dataclass
class FakeProvider:
    """The provider, in memory: it signs real tokens, and honours a code once, for the verifier it was asked with."""

    clock: MovableClock
    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))
    key_id: str = "key-1"
    away: bool = False
    fetches: int = 0
    end_session: str | None = None
    codes: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)

    def close(self) -> None:
        self.away = True

    def endpoints(self) -> Endpoints:
        self._answer()
        return Endpoints(f"{ISSUER}/authorize", self.end_session)

    def exchange(self, code: str, verifier: str, redirect_uri: str) -> str:
        self._answer()
        assert redirect_uri == f"{ORIGIN}/sign-in/callback"
        challenge, claims = self.codes.pop(code, ("", {}))
        if challenge != challenge_of(verifier):
            raise CodeRefusedError("no such code")
        return self.token(**claims)

    def key_set(self) -> Mapping[str, Any]:
        self.fetches += 1
        self._answer()
        return {"keys": [jwk_of(self.key, self.key_id)]}

    def agree(self, url: str, code: str = "code-1", **claims: Any) -> str:
        """Return the query by which the provider sends a browser back that went to `url`."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        self.codes[code] = (asked["code_challenge"], {"nonce": asked["nonce"], **claims})
        return f"code={code}&state={asked['state']}"

    def token(self, **claims: Any) -> str:
        """Return an ID token of Ann Lee, a requester, with other `claims`; None leaves one out."""
        now = int(self.clock.now().timestamp())
        said: dict[str, Any] = {"iss": ISSUER, "aud": CLIENT_ID, "sub": "ann", "name": "Ann Lee", "iat": now}
        said |= {"exp": now + 300, "groups": ["requester"]} | claims
        held = {name: value for name, value in said.items() if value is not None}
        # Signed as they stand: jwt.encode refuses some of what an attacker would not.
        payload = json.dumps(held).encode()
        return jwt.PyJWS().encode(payload, self.key, algorithm="ES256", headers={"kid": self.key_id})

    def bearer(self, **claims: Any) -> str:
        """Return an access token for the API."""
        return self.token(**{"aud": API_AUDIENCE, **claims})

    def _answer(self) -> None:
        if self.away:
            raise ProviderAwayError("away")


class People(PeopleRoom):
    """The people room on a database in memory, as bootstrap puts it together."""

    def __init__(self, *, per_minute: int = 1_000) -> None:
        self.clock = MovableClock()
        self.audit = RecordedAudit()
        self.database: Database = database()
        self.provider = FakeProvider(self.clock)
        super().__init__(
            OidcSettings(issuer=ISSUER, client_id=CLIENT_ID, api_audience=API_AUDIENCE, token_lifetime_minutes=60),
            SessionSettings(idle_minutes=30, lifetime_hours=12, most=3),
            # The bounds are for sites: a test may want fewer.
            RateSettings.model_construct(official_per_minute=per_minute, sign_ins_per_minute=per_minute),
            ORIGIN,
            provider=self.provider,
            roles=Groups(),
            database=self.database,
            audit=self.audit,
            clock=self.clock,
        )


def challenge_of(verifier: str) -> str:
    """Return the PKCE challenge (S256) of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def jwk_of(key: EllipticCurvePrivateKey, key_id: str) -> dict[str, Any]:
    """Return the public half of a key as a JWK."""
    public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**public, "kid": key_id, "use": "sig", "alg": "ES256"}


class Browser:
    """A browser at the console of `people`: keeps cookies, follows nothing by itself."""

    def __init__(
        self, people: People, *routers: APIRouter, host: str = ORIGIN, authenticator: Authenticator | None = None
    ) -> None:
        gate = Gate(authenticator or people.authenticator, people.audit)
        limiter = RateLimiter(people.clock, per_minute=1_000, burst=1_000)
        shield = Shield(
            SecurityHeaders(ORIGIN, [ISSUER]),
            public_url=ORIGIN,
            limits=Limits(body_bytes=64 * 1024, upload_bytes=1024 * 1024),
            address=ClientAddress(0),
            limiter=limiter,
        )
        own = people_router(people.sign_in, people.sessions, people.cookies, gate)
        app = build_app([own, *routers], shield=shield)
        self.http = TestClient(app, base_url=host, follow_redirects=False)
        self._people = people

    def sign_in(self, next_page: str = "/", **claims: Any) -> Response:
        """Sign in as whom `claims` name; return the callback's answer."""
        begun = self.http.get("/sign-in", params={"next": next_page})
        answer: Response = self.http.get(
            f"/sign-in/callback?{self._people.provider.agree(begun.headers['location'], **claims)}"
        )
        return answer

    @property
    def csrf(self) -> str:
        """The CSRF token of the session."""
        return csrf_token(self.http.cookies["__Host-homeward"])
