import hashlib
import re
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from zoneinfo import ZoneInfo

import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.testclient import TestClient

from homeward.access.errors import ForbiddenError, NotSignedInError
from homeward.access.people.principal import Principal, Role
from homeward.access.web.app import build_app
from homeward.access.web.console.assets import Assets
from homeward.access.web.console.instants import Instants
from homeward.access.web.console.navigation import current, places_of
from homeward.access.web.console.pages import Pages
from homeward.access.web.console.site import inside, site_router
from homeward.access.web.console.translations import Languages
from homeward.shared.authorisation.ranks import Rank
from support.authorisations import MovableClock

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TAIPEI = ZoneInfo("Asia/Taipei")
OFFICER = Principal("0" * 8, "Officer <Lin>", frozenset({Role.REQUESTER}), Rank.OFFICER)


@pytest.fixture(scope="module")
def app() -> FastAPI:
    languages, assets = Languages(), Assets()
    pages = Pages(assets, languages, TAIPEI, MovableClock(NOON), lambda _: "the-token")
    router = APIRouter()

    @router.get("/signed-in")
    def signed_in(request: Request) -> object:
        request.state.principal = OFFICER
        raise ForbiddenError("role", "this needs the role of <auditor> & more %(than)s that")

    @router.get("/signed-out")
    def signed_out() -> object:
        raise NotSignedInError("not_signed_in", "sign in first")

    return build_app([assets.router(), site_router(pages, languages, https=True), router], page=pages.error)


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return TestClient(app, base_url="https://testserver", headers={"Accept": "text/html"}, follow_redirects=False)


def test_a_page_is_in_the_language_that_the_browser_asks_for(client: TestClient) -> None:
    english = client.get("/welcome")
    assert '<html lang="en">' in english.text
    chinese = client.get("/welcome", headers={"Accept-Language": "fr, zh-TW;q=0.9, en;q=0.5"})
    assert '<html lang="zh-Hant">' in chinese.text
    assert "登入" in chinese.text
    assert "Accept-Language" in chinese.headers["vary"]


@pytest.mark.parametrize(("zone", "words"), [("UTC", "Times are in UTC."), ("Asia/Taipei", "Point at one for UTC.")])
def test_a_page_says_whose_times_it_shows(zone: str, words: str) -> None:
    languages, assets = Languages(), Assets()
    pages = Pages(assets, languages, ZoneInfo(zone), MovableClock(NOON), lambda _: "")
    app = build_app([assets.router(), site_router(pages, languages, https=True)], page=pages.error)
    assert words in TestClient(app, base_url="https://testserver").get("/welcome").text


def test_a_chosen_language_outweighs_the_browser_and_leads_back(client: TestClient) -> None:
    chosen = client.post("/language", data={"language": "zh-Hant", "back": "/welcome"})
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/welcome")
    assert "Secure" in chosen.headers["set-cookie"]
    assert '<html lang="zh-Hant">' in client.get("/welcome", headers={"Accept-Language": "en"}).text


@pytest.mark.parametrize("away", ["https://evil.example", "//evil.example", "/\\evil.example", "/\n/evil.example", ""])
def test_nobody_is_led_outside(client: TestClient, away: str) -> None:
    assert inside(away) == "/"
    chosen = client.post("/language", data={"language": "en", "back": away})
    assert chosen.headers["location"] == "/"


def test_an_unknown_language_is_refused(client: TestClient) -> None:
    assert client.post("/language", data={"language": "xx"}).status_code == HTTPStatus.UNPROCESSABLE_ENTITY


@pytest.mark.parametrize("header", ["zh;q=x", "*", "", "en;q=0", ",,,", "zh-TW;q=0, fr"])
def test_a_malformed_wish_is_answered_in_the_sites_language(client: TestClient, header: str) -> None:
    assert '<html lang="en">' in client.get("/welcome", headers={"Accept-Language": header}).text


def test_who_has_to_sign_in_is_led_there_and_back(client: TestClient) -> None:
    answer = client.get("/signed-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/welcome?next=/signed-out")
    page = client.get("/welcome?next=/signed-out")
    assert 'href="/sign-in?next=/signed-out"' in page.text
    assert 'href="/sign-in?next=/"' in client.get("/welcome?next=//evil.example").text


def test_an_error_has_a_page_with_the_persons_own_navigation(client: TestClient) -> None:
    answer = client.get("/signed-in")
    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert "this needs the role of &lt;auditor&gt; &amp; more %(than)s that" in answer.text
    assert "Officer &lt;Lin&gt;" in answer.text
    assert 'href="/ask"' in answer.text
    assert 'href="/audit"' not in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_what_is_posted_carries_the_sessions_token(client: TestClient) -> None:
    page = client.get("/signed-in").text
    assert '<input type="hidden" name="csrf" value="the-token">' in page
    assert '{"X-CSRF-Token": "the-token"}' in page


def test_pages_hold_no_inline_script_or_style(client: TestClient) -> None:
    for path in ("/welcome", "/signed-in", "/nowhere"):
        page = client.get(path).text
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", page)
        assert not re.search(r'(?:src|href|action)="(?!/|#|blob:)', page)


def test_assets_are_kept_for_good_under_their_own_version(client: TestClient) -> None:
    page = client.get("/welcome").text
    addresses = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    assert len(addresses) == 4
    for address in addresses:
        asset = client.get(address)
        assert asset.status_code == HTTPStatus.OK
        assert "immutable" in asset.headers["cache-control"]
        assert hashlib.sha256(asset.content).hexdigest().startswith(address.partition("?v=")[2])
    assert "immutable" not in client.get("/static/homeward.css?v=0").headers["cache-control"]


@pytest.mark.parametrize("path", ["/static/nothing.css", "/static/THIRD_PARTY.md", "/static/..%2fpages.py"])
def test_nothing_else_is_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    ("tag", "words"), [("en", "23 Nov 2026, 20:00"), ("zh-Hant", "2026年11月23日 20:00")], ids=["en", "zh-Hant"]
)
def test_times_are_the_sites_and_say_utc(tag: str, words: str) -> None:
    language = Languages().named(tag)
    assert language is not None
    instants = Instants(language, TAIPEI)
    assert str(instants.long(NOON)) == (
        f'<time datetime="2026-11-23T12:00:00Z" title="2026-11-23 12:00:00 UTC">{words}</time>'
    )
    assert instants.read_field(instants.field(NOON)) == NOON


def test_spans_are_in_words() -> None:
    english, chinese = (Instants(language, TAIPEI) for language in Languages())
    assert english.span(timedelta(hours=2)) == "2 hours"
    assert chinese.until(NOON + timedelta(days=3), NOON) == "3 天後"


def test_the_navigation_shows_what_a_role_opens() -> None:
    places = places_of(OFFICER)
    assert [place.path for place in places] == ["/", "/ask", "/requests", "/cameras", "/policy"]
    assert current("/requests/abc", places) == "/requests"
    assert current("/", places) == "/"
    assert current("/asking", places) == ""
