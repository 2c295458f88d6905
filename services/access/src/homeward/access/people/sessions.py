"""Tells who sends a request: by the session's cookie, or by a bearer token of the API."""

from typing import Final, Protocol

from anyio import from_thread
from starlette.datastructures import FormData
from starlette.requests import Request

from homeward.access.errors import ForbiddenError
from homeward.access.people.cookies import Cookies
from homeward.access.people.csrf import FIELD, HEADER, csrf_token, is_same
from homeward.access.people.principal import Principal
from homeward.access.people.rates import RateLimiter
from homeward.access.people.session_store import Sessions
from homeward.access.web.client import client_address
from homeward.shared.audit import Audit, Entry
from homewardapi.audit.v1 import audit_pb2

_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
_API: Final = "/api/"


class Bearers(Protocol):
    """Tells whose bearer token it is."""

    def principal(self, token: str, client: str) -> Principal:
        """Return who shows `token` from the address `client`; raise NotSignedInError for one that does not count."""
        ...


class SessionAuthenticator:
    """The port `Authenticator`. A bearer token counts under /api/ alone, and beside it no cookie does."""

    def __init__(
        self,
        sessions: Sessions,
        bearers: Bearers,
        cookies: Cookies,
        *,
        limiter: RateLimiter,
        audit: Audit,
        origin: str,
    ) -> None:
        """`limiter` is per official; `origin` is the public URL, which a browser names when it sends a form."""
        self._sessions = sessions
        self._bearers = bearers
        self._cookies = cookies
        self._limiter = limiter
        self._audit = audit
        self._origin = origin

    def authenticate(self, request: Request) -> Principal | None:
        """Return who is signed in, None for nobody.

        Raises NotSignedInError for a bearer token that does not count, TooManyError, and ForbiddenError for a change
        without the session's CSRF token. Called in a worker thread of the event loop, where endpoints and their
        dependencies run that are not async.
        """
        if request.url.path.startswith(_API) and (given := request.headers.get("authorization")) is not None:
            scheme, _, token = given.partition(" ")
            principal = self._bearers.principal(
                token.strip() if scheme.lower() == "bearer" else "", client_address(request)
            )
            self._limiter.check(principal.official_id)
            return principal
        cookie = self._cookies.session(request.cookies)
        found = None if cookie is None else self._sessions.find(cookie)
        if cookie is None or found is None:
            return None
        self._limiter.check(found.official_id)
        if request.method not in _READS and not self._is_ours(request, cookie):
            self._audit.record(
                Entry(
                    audit_pb2.AUDIT_ACTION_ACCESS_REFUSED,
                    found.official_id,
                    audit_pb2.AUDIT_OUTCOME_DENIED,
                    code="csrf",
                )
            )
            raise ForbiddenError("csrf", "this page has become old; load it anew and send it again")
        return found

    def csrf(self, request: Request) -> str:
        """Return the CSRF token that the forms of the answer to `request` carry; empty when it has no session."""
        cookie = self._cookies.session(request.cookies)
        return "" if cookie is None else csrf_token(cookie)

    def _is_ours(self, request: Request, cookie: str) -> bool:
        # The token decides. What browsers say of where a request comes from can only refuse.
        if request.headers.get("origin", self._origin) != self._origin:
            return False
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return False
        given = request.headers.get(HEADER)
        if given is None and request.headers.get("content-type", "").partition(";")[0].strip().lower() in _FORMS:
            field = from_thread.run(_form, request).get(FIELD)
            given = field if isinstance(field, str) else None
        return given is not None and is_same(given, csrf_token(cookie))


async def _form(request: Request) -> FormData:
    # Read once: the endpoint is given the same form.
    return await request.form()
