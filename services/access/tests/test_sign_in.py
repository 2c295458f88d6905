import secrets
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from httpx2 import Response
from sqlalchemy import func, select

from homeward.access.database.base import Base
from homeward.access.people.tables import AnswerRow, SessionRow
from homeward.shared.audit import ANONYMOUS
from homewardapi.audit.v1 import audit_pb2
from support.access_people import ISSUER, ORIGIN, Browser, People


@pytest.fixture
def people() -> People:
    return People()


@pytest.fixture
def browser(people: People) -> Browser:
    return Browser(people)


def sessions(people: People) -> int:
    with people.database.read() as session:
        return session.scalar(select(func.count()).select_from(SessionRow)) or 0


def assert_refused(people: People, answer: Response, code: str) -> None:
    assert answer.status_code == 403
    assert answer.json()["code"] == f"sign_in_{code}"
    assert "__Host-homeward=" not in answer.headers.get("set-cookie", "")
    assert sessions(people) == 0
    (entry,) = people.audit.entries
    assert (entry.action, entry.outcome, entry.code) == (
        audit_pb2.AUDIT_ACTION_SIGN_IN_FAILED,
        audit_pb2.AUDIT_OUTCOME_DENIED,
        code,
    )


def test_who_signs_in_is_known_from_then_on(people: People, browser: Browser) -> None:
    answer = browser.sign_in("/requests?state=open")
    assert (answer.status_code, answer.headers["location"]) == (303, "/requests?state=open")
    me = browser.http.get("/api/v1/me").json()
    assert (me["name"], me["roles"], me["rank"]) == ("Ann Lee", ["requester"], "officer")
    (entry,) = people.audit.entries
    assert (entry.action, entry.actor_id) == (audit_pb2.AUDIT_ACTION_SIGNED_IN, me["official_id"])
    assert people.officials.names([me["official_id"]]) == {me["official_id"]: "Ann Lee"}


def test_the_provider_is_asked_for_a_code_with_pkce(browser: Browser) -> None:
    where = browser.http.get("/sign-in").headers["location"]
    asked = parse_qs(urlsplit(where).query)
    assert where.startswith(f"{ISSUER}/authorize?")
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [f"{ORIGIN}/sign-in/callback"]
    assert len(asked["state"][0]) == len(asked["nonce"][0]) == len(asked["code_challenge"][0]) == 43


def test_cookies_are_for_this_host_this_browser_and_no_script(browser: Browser) -> None:
    begun = browser.http.get("/sign-in").headers["set-cookie"]
    done = browser.sign_in().headers.get_list("set-cookie")
    for cookie in (begun, *done):
        flags = {flag.strip().lower() for flag in cookie.split(";")[1:]}
        assert cookie.startswith("__Host-")
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= flags
        assert not any(flag.startswith("domain") for flag in flags)


def test_no_secret_of_a_sign_in_or_session_is_in_the_database(people: People, browser: Browser) -> None:
    browser.http.get("/sign-in")
    secret = browser.http.cookies["__Host-homeward-sign-in"].partition(".")[0]
    browser.sign_in()
    token = browser.http.cookies["__Host-homeward"]
    with people.database.read() as session:
        dump = "".join(str(row) for table in Base.metadata.sorted_tables for row in session.execute(select(table)))
    assert "Ann Lee" in dump
    assert token not in dump
    assert secret not in dump


def test_a_tampered_state_signs_nobody_in(people: People, browser: Browser) -> None:
    query = people.provider.agree(browser.http.get("/sign-in").headers["location"])
    assert_refused(people, browser.http.get(f"/sign-in/callback?{query}x"), "state")


def test_an_answer_in_another_browser_signs_nobody_in(people: People, browser: Browser) -> None:
    attacker = Browser(people)
    query = people.provider.agree(attacker.http.get("/sign-in").headers["location"], sub="attacker")
    browser.http.get("/sign-in")
    assert_refused(people, browser.http.get(f"/sign-in/callback?{query}"), "state")


def test_an_answer_without_a_beginning_signs_nobody_in(people: People, browser: Browser) -> None:
    assert_refused(people, browser.http.get("/sign-in/callback?code=code-1&state=anything"), "state")


def test_an_answer_counts_once_even_where_the_provider_honours_its_code_again(people: People, browser: Browser) -> None:
    where = browser.http.get("/sign-in").headers["location"]
    kept = browser.http.cookies["__Host-homeward-sign-in"]
    query = people.provider.agree(where)
    assert browser.http.get(f"/sign-in/callback?{query}").status_code == 303
    thief = Browser(people)
    thief.http.cookies.set("__Host-homeward-sign-in", kept)
    people.provider.agree(where)
    answer = thief.http.get(f"/sign-in/callback?{query}")
    assert (answer.status_code, answer.json()["code"]) == (403, "sign_in_code")
    assert sessions(people) == 1


def test_a_code_that_the_provider_gave_before_signs_nobody_in(people: People, browser: Browser) -> None:
    query = people.provider.agree(browser.http.get("/sign-in").headers["location"])
    people.provider.codes.clear()
    assert_refused(people, browser.http.get(f"/sign-in/callback?{query}"), "code")


def test_a_code_of_another_sign_in_signs_nobody_in(people: People, browser: Browser) -> None:
    people.provider.agree(browser.http.get("/sign-in").headers["location"], code="stolen")
    query = people.provider.agree(browser.http.get("/sign-in").headers["location"], code="own")
    assert_refused(people, browser.http.get(f"/sign-in/callback?{query.replace('own', 'stolen')}"), "code")


@pytest.mark.parametrize(
    "nonce", [None, "", "another", secrets.token_urlsafe(32)], ids=["none", "empty", "text", "like"]
)
def test_a_token_of_another_sign_in_signs_nobody_in(people: People, browser: Browser, nonce: str | None) -> None:
    assert_refused(people, browser.sign_in(nonce=nonce), "token_nonce")


def test_an_answer_of_another_provider_signs_nobody_in(people: People, browser: Browser) -> None:
    query = people.provider.agree(browser.http.get("/sign-in").headers["location"])
    assert_refused(people, browser.http.get(f"/sign-in/callback?{query}&iss=https://evil.test"), "issuer")


def test_who_has_no_role_is_not_signed_in_and_is_recorded(people: People, browser: Browser) -> None:
    assert_refused(people, browser.sign_in(groups=["gardeners"]), "no_role")
    assert people.audit.entries[0].actor_id != ANONYMOUS


def test_who_the_provider_refuses_is_not_signed_in(people: People, browser: Browser) -> None:
    query = people.provider.agree(browser.http.get("/sign-in").headers["location"])
    state = parse_qs(query)["state"][0]
    answer = browser.http.get(f"/sign-in/callback?error=access_denied&state={state}")
    assert_refused(people, answer, "provider")


def test_a_browser_keeps_its_sign_in_for_ten_minutes(browser: Browser) -> None:
    assert "max-age=600" in browser.http.get("/sign-in").headers["set-cookie"].lower()
    gone = [cookie for cookie in browser.sign_in().headers.get_list("set-cookie") if "sign-in" in cookie]
    assert len(gone) == 1
    assert "max-age=0" in gone[0].lower()


def test_to_begin_keeps_nothing(people: People, browser: Browser) -> None:
    for _ in range(10):
        browser.http.get("/sign-in", params={"next": "/requests"})
    with people.database.read() as session:
        assert session.scalar(select(func.count()).select_from(AnswerRow)) == 0
    browser.sign_in()
    people.clock.move(timedelta(hours=1))
    browser.sign_in()
    with people.database.read() as session:
        assert session.scalar(select(func.count()).select_from(AnswerRow)) == 1


@pytest.mark.parametrize("kept", ["", ".", "..", ".%2F", "secret", "\u00e9.%2F"])
def test_a_cookie_that_is_none_of_ours_signs_nobody_in(people: People, browser: Browser, kept: str) -> None:
    headers = [(b"Cookie", f"__Host-homeward-sign-in={kept}".encode())]
    answer = browser.http.get("/sign-in/callback?code=code-1&state=", headers=headers)
    assert_refused(people, answer, "state")


def test_a_page_elsewhere_in_the_cookie_is_not_gone_to(people: People, browser: Browser) -> None:
    where = browser.http.get("/sign-in").headers["location"]
    secret = browser.http.cookies["__Host-homeward-sign-in"].partition(".")[0]
    other = Browser(people)
    other.http.cookies.set("__Host-homeward-sign-in", f"{secret}.https%3A%2F%2Fevil.test%2F")
    assert other.http.get(f"/sign-in/callback?{people.provider.agree(where)}").headers["location"] == "/"


def test_nobody_signs_in_without_a_record(people: People, browser: Browser) -> None:
    people.audit.away = True
    answer = browser.sign_in()
    assert answer.status_code == 503
    assert "__Host-homeward=" not in answer.headers.get("set-cookie", "")
    assert sessions(people) == 0


def test_while_the_provider_is_away_nobody_signs_in(people: People, browser: Browser) -> None:
    people.provider.away = True
    assert browser.http.get("/sign-in").status_code == 503


def test_a_planted_session_does_not_become_the_victims(people: People, browser: Browser) -> None:
    browser.http.cookies.set("__Host-homeward", "planted", domain="homeward.test")
    browser.sign_in()
    thief = Browser(people)
    thief.http.cookies.set("__Host-homeward", "planted")
    assert thief.http.get("/api/v1/me").status_code == 401


def test_signing_in_again_ends_the_browsers_session_before(people: People, browser: Browser) -> None:
    browser.sign_in()
    before = browser.http.cookies["__Host-homeward"]
    browser.sign_in()
    assert browser.http.cookies["__Host-homeward"] != before
    thief = Browser(people)
    thief.http.cookies.set("__Host-homeward", before)
    assert thief.http.get("/api/v1/me").status_code == 401
    assert sessions(people) == 1


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.test/",
        "//evil.test/",
        "/\\evil.test/",
        "\\\\evil.test/",
        "/\t/evil.test/",
        "javascript:alert(1)",
        "evil.test",
        "/%0d%0aSet-Cookie:x=1\r\nX: y",
        "/sign-in?next=/",
        "/" + "a" * 1000,
        "",
    ],
)
def test_a_link_leads_nowhere_else_after_sign_in(browser: Browser, link: str) -> None:
    assert browser.sign_in(link).headers["location"] == "/"


def test_sign_ins_are_limited_by_address() -> None:
    people = People(per_minute=3)
    browser = Browser(people)
    assert [browser.http.get("/sign-in").status_code for _ in range(4)] == [303, 303, 303, 429]
    people.clock.move(timedelta(seconds=20))
    assert browser.http.get("/sign-in").status_code == 303
