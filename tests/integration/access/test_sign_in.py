"""Sign-in over real HTTP: at the demo's provider, and at Dex."""

import socket
from collections.abc import Iterator

import httpx
import pytest

from homeward.access.people.csrf import csrf_token
from homeward.cli.embedded.ports import LOOPBACK, free_ports
from homewardapi.audit.v1 import audit_pb2
from support.access_site import Site, running_site
from support.demo_provider import DemoServer
from support.dex_server import DexServer

GROUPS = {"officer": ["homeward-officers"], "commander": ["homeward-commanders", "staff"], "gardener": ["gardeners"]}


@pytest.fixture(scope="module")
def demo_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    (port,) = free_ports(1)
    folder = tmp_path_factory.mktemp("demo") / "data"
    with DemoServer(folder, f"http://{LOOPBACK}:{port}") as provider, running_site(port, provider) as running:
        yield running


@pytest.fixture(scope="module")
def dex_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    (port,) = free_ports(1)
    folder = tmp_path_factory.mktemp("dex")
    with DexServer(folder, f"http://{LOOPBACK}:{port}", GROUPS) as provider, running_site(port, provider) as running:
        yield running


@pytest.fixture(params=["demo", pytest.param("dex", marks=pytest.mark.dex)])
def site(request: pytest.FixtureRequest) -> Site:
    found: Site = request.getfixturevalue(f"{request.param}_site")
    return found


@pytest.fixture
def browser(site: Site) -> Iterator[httpx.Client]:
    with site.browser() as opened:
        yield opened


def test_who_signs_in_there_is_signed_in_here(site: Site, browser: httpx.Client) -> None:
    assert str(site.sign_in(browser, "commander").url) == f"{site.url}/"
    me = browser.get("/api/v1/me").json()
    assert (me["roles"], me["rank"]) == (["approver", "requester"], "commander")
    assert site.audit.entries[-1].action == audit_pb2.AUDIT_ACTION_SIGNED_IN
    site.sign_in(browser, "commander")
    assert browser.get("/api/v1/me").json() == me


def test_two_people_are_two(site: Site, browser: httpx.Client) -> None:
    with site.browser() as other:
        site.sign_in(browser, "officer")
        site.sign_in(other, "commander")
        one, two = browser.get("/api/v1/me").json(), other.get("/api/v1/me").json()
    assert one["official_id"] != two["official_id"]
    assert one["name"] != two["name"]


def test_who_signs_out_is_signed_out(site: Site, browser: httpx.Client) -> None:
    site.sign_in(browser, "officer")
    token = csrf_token(browser.cookies["homeward"])
    answer = browser.post("/sign-out", data={"csrf": token}, follow_redirects=False)
    assert answer.status_code == 303
    assert browser.get("/api/v1/me").status_code == 401
    assert site.audit.entries[-1].action == audit_pb2.AUDIT_ACTION_SIGNED_OUT


def test_an_answer_counts_once_at_the_provider_too(site: Site, browser: httpx.Client) -> None:
    steps = site.sign_in(browser, "officer").history
    (callback,) = [step for step in steps if step.url.path == "/sign-in/callback"]
    with site.browser() as thief:
        begun = thief.get("/sign-in", follow_redirects=False).headers["location"]
        state = httpx.URL(begun).params["state"]
        stolen = callback.url.copy_merge_params({"state": state})
        answer = thief.get(stolen, follow_redirects=False)
    assert (answer.status_code, answer.json()["code"]) == (403, "sign_in_code")


def test_a_bearer_token_of_the_provider_opens_the_api(site: Site) -> None:
    headers = {"Authorization": f"Bearer {site.provider.bearer('officer')}"}
    answer = httpx.get(f"{site.url}/api/v1/me", headers=headers, trust_env=False)
    assert answer.json()["roles"] == ["requester"]


@pytest.mark.dex
def test_who_has_no_role_is_turned_away(dex_site: Site) -> None:
    with dex_site.browser() as browser:
        answer = dex_site.sign_in(browser, "gardener")
    assert (answer.status_code, answer.json()["code"]) == (403, "sign_in_no_role")


@pytest.fixture
def demo_browser(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.browser() as opened:
        yield opened


def test_the_demo_sends_nobody_elsewhere(demo_browser: httpx.Client) -> None:
    browser = demo_browser
    where = httpx.URL(browser.get("/sign-in", follow_redirects=False).headers["location"])
    for changed in ({"redirect_uri": "https://evil.test/"}, {"client_id": "evil"}):
        assert browser.get(where.copy_merge_params(changed)).status_code == 400
    for changed in ({"code_challenge_method": "plain"}, {"code_challenge": ""}, {"response_type": "token"}):
        answer = browser.get(where.copy_merge_params(changed), follow_redirects=False)
        assert httpx.URL(answer.headers["location"]).params["error"] == "invalid_request"
    assert browser.get(where, headers={"Host": "evil.test"}).status_code == 421
    page = browser.get(where)
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize("size", [20_000, 200_000])
def test_large_headers_are_refused_by_the_server(demo_site: Site, size: int) -> None:
    with socket.create_connection((LOOPBACK, httpx.URL(demo_site.url).port or 0), timeout=20) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: " + httpx.URL(demo_site.url).netloc + b"\r\nX-Large: ")
        try:
            raw.sendall(b"a" * size + b"\r\n\r\n")
            status = raw.recv(100).split(b" ")[1]
        except ConnectionError:
            status = b"400"
    assert status in {b"400", b"431"}
