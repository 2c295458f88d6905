"""What every request must keep to, and what every answer carries."""

from collections.abc import Iterable, MutableMapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from homeward.access.errors import TooManyError
from homeward.access.people.rates import RateLimiter
from homeward.access.sentence import Sentence
from homeward.access.web.client import ClientAddress
from homeward.access.web.limits import LimitedBody, Limits
from homeward.access.web.problems import Problems


class SecurityHeaders:
    """The headers of every answer, for an access at `public_url`; forms may end at `form_targets` besides itself.

    Browsers apply form-action to where a form's answer redirects to: to sign out ends at the provider.
    """

    def __init__(self, public_url: str, form_targets: Iterable[str]) -> None:
        policy = {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "'self' blob:",  # blob: shows a chosen photo before it is sent
            "font-src": "'self'",
            "connect-src": "'self'",
            "manifest-src": "'self'",
            "form-action": " ".join(["'self'", *form_targets]),
            "base-uri": "'none'",
            "frame-ancestors": "'none'",
            "object-src": "'none'",
        }
        self._headers = {
            "Content-Security-Policy": "; ".join(f"{name} {sources}" for name, sources in policy.items()),
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
            # A form's Origin would be "null" under no-referrer.
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "X-Robots-Tag": "noindex, nofollow",
        }
        if public_url.startswith("https://"):
            self._headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"

    def add(self, message: MutableMapping[str, Any]) -> None:
        """Add the headers to an answer; one may be kept where it says how long, and is not otherwise."""
        headers = MutableHeaders(scope=message)
        for name, value in self._headers.items():
            headers[name] = value
        headers.setdefault("Cache-Control", "no-store")


class Shield:
    """Stands before every route: host, sizes and rate are checked before anything is read, whoever asks."""

    def __init__(
        self,
        headers: SecurityHeaders,
        *,
        public_url: str,
        limits: Limits,
        address: ClientAddress,
        limiter: RateLimiter,
    ) -> None:
        """`limiter` is by client address."""
        self._headers = headers
        self._host = urlsplit(public_url).netloc.lower()
        self._limits = limits
        self._address = address
        self._limiter = limiter

    def register(self, app: FastAPI, problems: Problems) -> None:
        """Put the shield before the routes of `app`; `problems` answers what it refuses."""
        app.add_middleware(_ShieldMiddleware, shield=self, problems=problems)

    async def serve(self, app: ASGIApp, problems: Problems, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request of `app`, or refuse it."""
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._headers.add(message)
            await send(message)

        request = Request(scope, receive)
        refusal = self._refusal(scope)
        if refusal is not None:
            status, code, reason, retry_after_s = refusal
            response = problems.answer(request, status, code, reason)
            if retry_after_s is not None:
                response.headers["Retry-After"] = str(retry_after_s)
            # What was not read would be taken for the next request.
            response.headers["Connection"] = "close"
            await response(scope, receive, send_with_headers)
            return
        try:
            await app(scope, LimitedBody(self._limits.body_of(scope), receive).receive, send_with_headers)
        except Exception:
            if not started:
                status = HTTPStatus.INTERNAL_SERVER_ERROR
                reason = Sentence(
                    "Homeward failed at this, and has noted it; try again, and tell who runs it if it lasts"
                )
                response = problems.answer(request, status, "failed", reason)
                await response(scope, receive, send_with_headers)
            raise

    def _refusal(self, scope: Scope) -> tuple[HTTPStatus, str, Sentence, int | None] | None:
        headers = Headers(scope=scope)
        address = self._address.note(scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() != self._host:
            return HTTPStatus.MISDIRECTED_REQUEST, "host", Sentence("this is not the address of Homeward"), None
        try:
            self._limiter.check(address)
        except TooManyError as error:
            return HTTPStatus.TOO_MANY_REQUESTS, error.code, error.reason, error.retry_after_s
        broken = self._limits.broken_by(scope)
        return None if broken is None else (*broken, None)


class _ShieldMiddleware:
    def __init__(self, app: ASGIApp, shield: Shield, problems: Problems) -> None:
        self._app = app
        self._shield = shield
        self._problems = problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            # There are no websockets.
            return
        await self._shield.serve(self._app, self._problems, scope, receive, send)
