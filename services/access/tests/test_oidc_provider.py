import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from homeward.access.adapters.oidc_provider import DEMO_CLAIM, HttpProvider
from homeward.access.people.ports import CodeRefusedError, ProviderAwayError
from support.access_people import ISSUER
from support.access_world import MovableClock

METADATA: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
}


class Site:
    """The provider's web site: `pages` by path, and what was asked of it."""

    def __init__(self) -> None:
        self.clock = MovableClock()
        self.asked: list[httpx.Request] = []
        self.pages: dict[str, httpx.Response | Callable[[httpx.Request], httpx.Response]] = {
            "/.well-known/openid-configuration": httpx.Response(200, json=METADATA),
            "/keys": httpx.Response(200, json={"keys": []}),
            "/token": httpx.Response(200, json={"id_token": "a.b.c"}),
        }

    def metadata(self, **changed: object) -> None:
        held = {name: value for name, value in (METADATA | changed).items() if value is not None}
        self.pages["/.well-known/openid-configuration"] = httpx.Response(200, json=held)

    def provider(self, secret: str | None = None, *, demo: bool = False) -> HttpProvider:
        transport = httpx.MockTransport(self._answer)
        return HttpProvider(ISSUER, "the console", secret, self.clock, demo=demo, transport=transport)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        page = self.pages[request.url.path]
        return page if isinstance(page, httpx.Response) else page(request)


@pytest.fixture
def site() -> Site:
    return Site()


def exchange(provider: HttpProvider) -> str:
    return provider.exchange("the-code", "the-verifier", "https://homeward.test/sign-in/callback")


def test_the_providers_pages_are_discovered_once_an_hour(site: Site) -> None:
    provider = site.provider()
    assert provider.endpoints().authorization == f"{ISSUER}/authorize"
    assert provider.endpoints().end_session is None
    assert len(site.asked) == 1
    site.metadata(end_session_endpoint=f"{ISSUER}/end")
    site.clock.move(timedelta(hours=1))
    assert provider.endpoints().end_session == f"{ISSUER}/end"


def test_a_code_is_exchanged_with_its_verifier(site: Site) -> None:
    assert exchange(site.provider()) == "a.b.c"
    assert parse_qs(site.asked[-1].content.decode()) == {
        "grant_type": ["authorization_code"],
        "code": ["the-code"],
        "code_verifier": ["the-verifier"],
        "redirect_uri": ["https://homeward.test/sign-in/callback"],
        "client_id": ["the console"],
    }
    assert "authorization" not in site.asked[-1].headers


def test_a_client_with_a_secret_proves_itself(site: Site) -> None:
    exchange(site.provider("a secret:"))
    told = base64.b64decode(site.asked[-1].headers["authorization"].removeprefix("Basic ")).decode()
    assert told == "the%20console:a%20secret%3A"
    assert b"secret" not in site.asked[-1].content
    site.metadata(token_endpoint_auth_methods_supported=["client_secret_post"])
    exchange(site.provider("a secret:"))
    assert parse_qs(site.asked[-1].content.decode())["client_secret"] == ["a secret:"]
    assert "authorization" not in site.asked[-1].headers


def test_a_code_that_is_not_taken_is_told_from_a_provider_that_fails(site: Site) -> None:
    site.pages["/token"] = httpx.Response(400, json={"error": "invalid_grant"})
    with pytest.raises(CodeRefusedError):
        exchange(site.provider())
    site.pages["/token"] = httpx.Response(401, json={"error": "invalid_client"})
    with pytest.raises(ProviderAwayError):
        exchange(site.provider())


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, json={"access_token": "x"}),
        httpx.Response(200, json={"id_token": 7}),
        httpx.Response(200, json=[1]),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, content=b"[" * 100_000),
        httpx.Response(200, json={"id_token": "x" * 2_000_000}),
        httpx.Response(500, json={"id_token": "a.b.c"}),
        httpx.Response(302, headers={"Location": "https://evil.test/token"}, json={"id_token": "a.b.c"}),
    ],
)
def test_another_answer_signs_nobody_in(site: Site, answer: httpx.Response) -> None:
    site.pages["/token"] = answer
    with pytest.raises(ProviderAwayError):
        exchange(site.provider())
    assert {request.url.host for request in site.asked} == {"provider.test"}


def test_no_redirect_is_followed_for_keys(site: Site) -> None:
    site.pages["/keys"] = httpx.Response(302, headers={"Location": "https://evil.test/keys"}, json={"keys": []})
    with pytest.raises(ProviderAwayError):
        site.provider().key_set()
    assert {request.url.host for request in site.asked} == {"provider.test"}


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://evil.test"},
        {"issuer": f"{ISSUER}/"},
        {"token_endpoint": "http://provider.test/token"},
        {"token_endpoint": "http://127.0.0.1/token"},
        {"jwks_uri": None},
        {"jwks_uri": ["https://provider.test/keys"]},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"end_session_endpoint": "http://provider.test/end"},
        {DEMO_CLAIM: True},
    ],
)
def test_a_provider_that_is_not_as_it_should_be_is_not_used(site: Site, changed: dict[str, Any]) -> None:
    site.metadata(**changed)
    with pytest.raises(ProviderAwayError):
        site.provider().endpoints()


def test_the_demo_takes_its_own_provider_alone(site: Site) -> None:
    with pytest.raises(ProviderAwayError):
        site.provider(demo=True).endpoints()
    site.metadata(**{DEMO_CLAIM: True})
    assert site.provider(demo=True).endpoints().authorization


def test_nobody_waits_for_a_provider_that_just_failed(site: Site) -> None:
    def fails(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("https://provider.test/?code=secret")

    working = site.pages["/.well-known/openid-configuration"]
    site.pages["/.well-known/openid-configuration"] = fails
    provider = site.provider()
    for _ in range(3):
        with pytest.raises(ProviderAwayError) as caught:
            provider.endpoints()
        assert "secret" not in str(caught.value)
    assert len(site.asked) == 1
    site.pages["/.well-known/openid-configuration"] = working
    site.clock.move(timedelta(seconds=5))
    assert provider.endpoints().authorization


def test_answers_are_asked_for_as_json(site: Site) -> None:
    site.provider().key_set()
    assert all(request.headers["accept"] == "application/json" for request in site.asked)
    assert json.loads(site.pages["/keys"].content) == {"keys": []}  # type: ignore[union-attr]
