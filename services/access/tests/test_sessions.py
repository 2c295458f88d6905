from datetime import timedelta
from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, Form, UploadFile

from homeward.access.people.principal import Principal, Role
from homeward.access.web.gate import Gate
from homewardapi.audit.v1 import audit_pb2
from support.access_people import CSRF, ORIGIN, Browser, Groups, People, SignedIn
from support.access_world import principal

SESSION = "__Host-homeward"


@pytest.fixture
def people() -> People:
    return People()


@pytest.fixture
def browser(people: People) -> Browser:
    gate = Gate(people.authenticator, people.audit)
    router = APIRouter()
    somebody = Annotated[Principal, Depends(gate.requires(Role.REQUESTER))]

    @router.post("/form")
    def form(_: somebody, word: Annotated[str, Form()]) -> str:
        return word

    @router.post("/photo")
    def photo(_: somebody, photo: UploadFile) -> int:
        return len(photo.file.read())

    @router.post("/button")
    def button(_: somebody) -> str:
        return "pressed"

    @router.put("/api/v1/thing")
    def thing(_: somebody) -> str:
        return "changed"

    return Browser(people, router)


def refusals(people: People) -> list[str | None]:
    return [entry.code for entry in people.audit.of(audit_pb2.AUDIT_ACTION_ACCESS_REFUSED)]


def test_a_session_ends_when_it_is_not_used(people: People, browser: Browser) -> None:
    browser.sign_in()
    for _ in range(3):
        people.clock.move(timedelta(minutes=29))
        assert browser.http.get("/api/v1/me").status_code == 200
    people.clock.move(timedelta(minutes=30))
    assert browser.http.get("/api/v1/me").status_code == 401


def test_a_session_ends_however_much_it_is_used(people: People, browser: Browser) -> None:
    browser.sign_in()
    for _ in range(36):
        assert browser.http.get("/api/v1/me").status_code == 200
        people.clock.move(timedelta(minutes=20))
    assert browser.http.get("/api/v1/me").status_code == 401


def test_roles_are_those_of_the_policy_in_force(
    people: People, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.sign_in()
    monkeypatch.setattr(Groups, "roles_of", lambda *_: (frozenset(), "officer"))
    assert browser.http.post("/button", headers={"X-CSRF-Token": browser.csrf}).status_code == 403
    assert refusals(people) == ["role"]


def test_an_official_has_few_sessions_and_the_oldest_ends_first(people: People) -> None:
    browsers = [Browser(people) for _ in range(4)]
    for each in browsers:
        each.sign_in()
        people.clock.move(timedelta(seconds=1))
    assert [each.http.get("/api/v1/me").status_code for each in browsers] == [401, 200, 200, 200]


def test_who_signs_out_is_signed_out(people: People, browser: Browser) -> None:
    browser.sign_in()
    token = browser.http.cookies[SESSION]
    answer = browser.http.post("/sign-out", data={"csrf": browser.csrf})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert SESSION not in browser.http.cookies
    browser.http.cookies.set(SESSION, token)
    assert browser.http.get("/api/v1/me").status_code == 401
    assert len(people.audit.of(audit_pb2.AUDIT_ACTION_SIGNED_OUT)) == 1


def test_who_signs_out_is_signed_out_at_the_provider_too(people: People, browser: Browser) -> None:
    people.provider.end_session = "https://provider.test/end?at=once"
    browser.sign_in()
    answer = browser.http.post("/sign-out", data={"csrf": browser.csrf})
    assert answer.headers["location"] == (
        "https://provider.test/end?at=once&client_id=homeward-console"
        "&post_logout_redirect_uri=https%3A%2F%2Fhomeward.test%2F"
    )


def test_nobody_signs_out_without_a_record(people: People, browser: Browser) -> None:
    browser.sign_in()
    people.audit.away = True
    assert browser.http.post("/sign-out", data={"csrf": browser.csrf}).status_code == 503
    people.audit.away = False
    assert browser.http.get("/api/v1/me").status_code == 200


def test_signing_out_everywhere_ends_every_session_and_bearer_token(people: People, browser: Browser) -> None:
    elsewhere, stranger = Browser(people), Browser(people)
    browser.sign_in()
    elsewhere.sign_in()
    stranger.sign_in(sub="bob", name="Bob")
    bearer = {"Authorization": f"Bearer {people.provider.bearer()}"}
    people.clock.move(timedelta(seconds=5))
    assert Browser(people).http.get("/api/v1/me", headers=bearer).status_code == 200
    browser.http.post("/sign-out-everywhere", data={"csrf": browser.csrf})
    assert elsewhere.http.get("/api/v1/me").status_code == 401
    assert Browser(people).http.get("/api/v1/me", headers=bearer).status_code == 401
    assert stranger.http.get("/api/v1/me").status_code == 200
    fast = int(people.clock.now().timestamp()) + 30
    bearer = {"Authorization": f"Bearer {people.provider.bearer(iat=fast)}"}
    assert Browser(people).http.get("/api/v1/me", headers=bearer).status_code == 401
    people.clock.move(timedelta(seconds=31))
    bearer = {"Authorization": f"Bearer {people.provider.bearer()}"}
    assert Browser(people).http.get("/api/v1/me", headers=bearer).status_code == 200


def test_a_lasting_answer_learns_that_its_session_ended(people: People, browser: Browser) -> None:
    browser.sign_in()
    found = people.sessions.find(browser.http.cookies[SESSION])
    assert found is not None
    assert people.sessions.is_live(found)
    people.sessions.end(found)
    assert not people.sessions.is_live(found)


@pytest.mark.parametrize("token", [None, "", "wrong", "x" * 43, "\u00e9"])
def test_a_change_without_the_sessions_token_is_refused(people: People, browser: Browser, token: str | None) -> None:
    browser.sign_in()
    data = {"word": "a"} | ({} if token is None else {"csrf": token})
    paths = ["/form", "/button", "/sign-out", "/sign-out-everywhere", "/api/v1/thing"]
    for path in paths:
        answer = browser.http.request("PUT" if path.startswith("/api/") else "POST", path, data=data)
        assert (answer.status_code, answer.json()["code"]) == (403, "csrf")
    assert refusals(people) == ["csrf"] * len(paths)
    assert browser.http.get("/api/v1/me").status_code == 200


def test_the_token_of_another_session_is_refused(people: People, browser: Browser) -> None:
    thief = Browser(people)
    thief.sign_in()
    browser.sign_in()
    assert browser.http.post("/button", data={"csrf": thief.csrf}).status_code == 403


def test_a_change_with_the_sessions_token_is_done(browser: Browser) -> None:
    browser.sign_in()
    token = browser.csrf
    assert browser.http.post("/form", data={"csrf": token, "word": "done"}).json() == "done"
    assert browser.http.post("/button", data={"csrf": token}).json() == "pressed"
    assert browser.http.post("/button", headers={"X-CSRF-Token": token}).json() == "pressed"
    assert browser.http.put("/api/v1/thing", headers={"X-CSRF-Token": token}).json() == "changed"
    assert browser.http.post("/photo", data={"csrf": token}, files={"photo": ("a.jpg", b"12345")}).json() == 5


def test_a_token_in_the_address_does_not_count(browser: Browser) -> None:
    browser.sign_in()
    assert browser.http.post("/button", params={"csrf": browser.csrf}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Origin": "http://homeward.test"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_change_from_another_site_is_refused_even_with_the_token(browser: Browser, headers: dict[str, str]) -> None:
    browser.sign_in()
    assert browser.http.post("/button", headers={"X-CSRF-Token": browser.csrf, **headers}).status_code == 403


def test_a_browsers_own_headers_do_not_hinder(browser: Browser) -> None:
    browser.sign_in()
    headers = {"X-CSRF-Token": browser.csrf, "Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
    assert browser.http.post("/button", headers=headers).status_code == 200


def test_an_official_is_limited_wherever_from() -> None:
    limited = People(per_minute=4)
    one, other = Browser(limited), Browser(limited)
    one.sign_in()
    other.sign_in()
    statuses = [each.http.get("/api/v1/me").status_code for each in (one, other, one, other, one)]
    assert statuses == [200, 200, 200, 200, 429]
    limited.clock.move(timedelta(seconds=15))
    assert other.http.get("/api/v1/me").status_code == 200


def test_the_fake_of_other_tests_asks_for_a_token_as_well(people: People) -> None:
    somebody = SignedIn(principal(Role.REQUESTER))
    browser = Browser(people, authenticator=somebody)
    assert browser.http.post("/sign-out").status_code == 403
    assert browser.http.post("/sign-out", headers={"X-CSRF-Token": CSRF}).status_code == 303
