"""The demo provider's pages: OpenID Connect's code flow with PKCE, where a password would be a click."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.typedefs import Handler
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from homeward.cli.demo_provider.codes import Codes, Grant
from homeward.cli.demo_provider.issuer import DemoIssuer
from homeward.cli.demo_provider.people import PEOPLE, person
from homeward.cli.demo_provider.place import CLIENT_ID
from homeward.shared.clock import Clock

DEMO_CLAIM: Final = "homeward_demo_provider"
"""By which access tells this provider from a real one, and refuses it anywhere but in a demo."""

_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_ASKED: Final = (
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
)
_BODY_BYTES: Final = 16 * 1024


class DemoProviderApp:
    """The pages of one issuer."""

    def __init__(self, issuer: DemoIssuer, clock: Clock) -> None:
        self._issuer = issuer
        self._place = issuer.place
        self._clock = clock
        self._codes = Codes(clock)
        templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
        )
        self._page = templates.get_template("choose.html.j2")

    def build(self) -> web.Application:
        """Return the application."""
        app = web.Application(client_max_size=_BODY_BYTES, middlewares=[self._guard])
        app.add_routes(
            [
                web.get("/.well-known/openid-configuration", self._metadata),
                web.get("/keys", self._keys),
                web.get("/authorize", self._ask),
                web.post("/authorize", self._choose),
                web.post("/token", self._token),
                web.get("/end-session", self._end),
            ]
        )
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        # A page elsewhere whose name leads to loopback would have another host.
        if f"http://{request.headers.get('Host', '')}" != self._place.issuer:
            raise web.HTTPMisdirectedRequest
        response = await handler(request)
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; "
            f"form-action 'self' {self._place.console}"
        )
        return response

    async def _metadata(self, _: web.Request) -> web.Response:
        issuer = self._place.issuer
        return web.json_response(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "jwks_uri": f"{issuer}/keys",
                "end_session_endpoint": f"{issuer}/end-session",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["EdDSA"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"],
                "scopes_supported": ["openid", "profile", "groups"],
                "authorization_response_iss_parameter_supported": True,
                DEMO_CLAIM: True,
            }
        )

    async def _keys(self, _: web.Request) -> web.Response:
        return web.json_response(self._issuer.jwks())

    async def _ask(self, request: web.Request) -> web.Response:
        asked = self._checked(request.query)
        html = self._page.render(people=PEOPLE, asked={name: asked[name] for name in _ASKED if name in asked})
        return web.Response(text=html, content_type="text/html")

    async def _choose(self, request: web.Request) -> web.Response:
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        asked = self._checked(form)
        chosen = person(form.get("person", ""))
        if chosen is None:
            return self._back({"error": "access_denied"}, asked)
        code = self._codes.give(Grant(chosen, asked.get("nonce"), asked["code_challenge"]))
        return self._back({"code": code}, asked)

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        if form.get("client_id") != CLIENT_ID:
            return web.json_response({"error": "invalid_client"}, status=HTTPStatus.UNAUTHORIZED)
        if form.get("grant_type") != "authorization_code":
            return web.json_response({"error": "unsupported_grant_type"}, status=HTTPStatus.BAD_REQUEST)
        grant = self._codes.take(form.get("code", ""), form.get("code_verifier", ""))
        if grant is None or form.get("redirect_uri") != self._place.redirect_uri:
            return web.json_response({"error": "invalid_grant"}, status=HTTPStatus.BAD_REQUEST)
        now = self._clock.now()
        return web.json_response(
            {
                "token_type": "Bearer",
                "expires_in": 3600,
                "access_token": self._issuer.access_token(grant.person, now),
                "id_token": self._issuer.id_token(grant.person, grant.nonce, now),
            }
        )

    async def _end(self, _: web.Request) -> web.Response:
        # There is nothing to end: the provider remembers nobody.
        return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": f"{self._place.console}/"})

    def _checked(self, asked: Mapping[str, str]) -> Mapping[str, str]:
        # Whoever asks for another place is not sent there, not even with an error.
        if asked.get("client_id") != CLIENT_ID or asked.get("redirect_uri") != self._place.redirect_uri:
            raise web.HTTPBadRequest(text="This is not the console that the demo provider signs people in to.")
        code = asked.get("response_type") == "code" and "openid" in asked.get("scope", "").split()
        pkce = asked.get("code_challenge_method") == "S256"
        if not code or not pkce or not _CHALLENGE.fullmatch(asked.get("code_challenge", "")):
            raise web.HTTPSeeOther(self._back({"error": "invalid_request"}, asked).headers["Location"])
        return asked

    def _back(self, answer: Mapping[str, str], asked: Mapping[str, str]) -> web.Response:
        query = dict(answer) | ({"state": asked["state"]} if "state" in asked else {}) | {"iss": self._place.issuer}
        where = f"{self._place.redirect_uri}?{urlencode(query)}"
        return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": where})
