"""Access's web server on a real port, with the people room and nothing else: what browsers sign in to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

import httpx

from homeward.access.adapters.oidc_provider import HttpProvider
from homeward.access.people.loopback import origin_of
from homeward.access.people.rates import RateLimiter
from homeward.access.people.room import PeopleRoom
from homeward.access.people.routes import people_router
from homeward.access.settings import OidcSettings, RateSettings, SessionSettings
from homeward.access.web.app import build_app
from homeward.access.web.client import ClientAddress
from homeward.access.web.gate import Gate
from homeward.access.web.limits import Limits
from homeward.access.web.security import SecurityHeaders, Shield
from homeward.access.web.server import WebServer
from homeward.cli.embedded.ports import LOOPBACK
from homeward.shared.clock import SystemClock
from support.access_world import RecordedAudit, database, policy

_READY_S: Final = 30.0


class ProviderServer(Protocol):
    """A provider's server, and how somebody signs in there."""

    def settings(self) -> OidcSettings:
        """Return the settings by which access takes it."""
        ...

    def choose(self, browser: httpx.Client, page: httpx.Response, name: str) -> httpx.Response:
        """Sign in as `name` on the provider's `page`; return where the browser ends up."""
        ...

    def bearer(self, name: str) -> str:
        """Return a token for the API of `name`."""
        ...


@dataclass
class Site:
    """A running access at `url`."""

    url: str
    provider: ProviderServer
    audit: RecordedAudit
    people: PeopleRoom

    def browser(self) -> httpx.Client:
        """Return a browser: it keeps cookies and follows where it is sent."""
        return httpx.Client(base_url=self.url, follow_redirects=True, trust_env=False, timeout=20)

    def sign_in(self, browser: httpx.Client, name: str) -> httpx.Response:
        """Sign in as `name`; return the last answer: of home, which this access has not, or of the refusal."""
        return self.provider.choose(browser, browser.get("/sign-in"), name)


@contextmanager
def running_site(port: int, provider: ProviderServer) -> Iterator[Site]:
    """Serve access at `port` of loopback."""
    clock, audit, url = SystemClock(), RecordedAudit(), f"http://{LOOPBACK}:{port}"
    oidc = provider.settings()
    http = HttpProvider.configured(oidc, clock)
    people = PeopleRoom(
        oidc,
        SessionSettings(),
        RateSettings(),
        url,
        provider=http,
        roles=policy(),
        database=database(),
        audit=audit,
        clock=clock,
    )
    shield = Shield(
        SecurityHeaders(url, [origin_of(oidc.issuer)]),
        public_url=url,
        limits=Limits(body_bytes=64 * 1024, upload_bytes=1024 * 1024),
        address=ClientAddress(0),
        limiter=RateLimiter(clock, per_minute=10_000, burst=10_000),
    )
    router = people_router(people.sign_in, people.sessions, people.cookies, Gate(people.authenticator, audit))
    server, stop = WebServer(build_app([router], shield=shield), LOOPBACK, port), threading.Event()
    serving = threading.Thread(target=server.run, args=(stop,))
    serving.start()
    try:
        deadline = clock.monotonic() + _READY_S
        while not server.ready():
            assert clock.monotonic() < deadline, "access did not start to serve"
            clock.sleep(0.02)
        yield Site(url, provider, audit, people)
    finally:
        stop.set()
        serving.join()
        http.close()
