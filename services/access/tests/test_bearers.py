import pytest

from homeward.shared.audit import ANONYMOUS
from homewardapi.audit.v1 import audit_pb2
from support.access_people import CLIENT_ID, Browser, People


@pytest.fixture
def people() -> People:
    return People()


@pytest.fixture
def browser(people: People) -> Browser:
    return Browser(people)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_bearer_token_opens_the_api(people: People, browser: Browser) -> None:
    answer = browser.http.get("/api/v1/me", headers=bearer(people.provider.bearer(groups=["auditor", "commander"])))
    assert (answer.json()["roles"], answer.json()["rank"]) == (["auditor"], "commander")
    assert "set-cookie" not in answer.headers


def test_its_first_use_is_recorded_before_it_counts(people: People, browser: Browser) -> None:
    headers = bearer(people.provider.bearer())
    people.audit.away = True
    assert browser.http.get("/api/v1/me", headers=headers).status_code == 503
    people.audit.away = False
    for _ in range(3):
        assert browser.http.get("/api/v1/me", headers=headers).status_code == 200
    (entry,) = people.audit.entries
    assert (entry.action, entry.code) == (audit_pb2.AUDIT_ACTION_SIGNED_IN, "bearer")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"aud": CLIENT_ID}, "bearer_audience"),
        ({"aud": ["homeward-api", CLIENT_ID]}, "bearer_audience"),
        ({"exp": 1}, "bearer_expired"),
        ({"iss": "https://evil.test"}, "bearer_issuer"),
    ],
)
def test_a_token_that_does_not_count_is_refused_and_recorded(
    people: People, browser: Browser, changed: dict[str, object], code: str
) -> None:
    answer = browser.http.get("/api/v1/me", headers=bearer(people.provider.bearer(**changed)))
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_token")
    assert answer.headers["www-authenticate"] == "Bearer"
    (entry,) = people.audit.entries
    assert (entry.action, entry.actor_id, entry.outcome, entry.code) == (
        audit_pb2.AUDIT_ACTION_SIGN_IN_FAILED,
        ANONYMOUS,
        audit_pb2.AUDIT_OUTCOME_DENIED,
        code,
    )


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer ", "Basic YW5uOmFubg==", "bearer x y", "DPoP x"])
def test_another_scheme_is_refused(browser: Browser, given: str) -> None:
    assert browser.http.get("/api/v1/me", headers={"Authorization": given}).status_code == 401


def test_beside_a_bad_token_the_session_does_not_count(browser: Browser) -> None:
    browser.sign_in()
    assert browser.http.get("/api/v1/me").status_code == 200
    assert browser.http.get("/api/v1/me", headers=bearer("x")).status_code == 401


def test_a_bearer_token_opens_no_page(people: People, browser: Browser) -> None:
    answer = browser.http.post("/sign-out", headers=bearer(people.provider.bearer()))
    assert answer.status_code == 401


def test_a_bearer_token_needs_no_csrf_token(people: People, browser: Browser) -> None:
    headers = bearer(people.provider.bearer())
    assert browser.http.post("/api/v1/me/sign-out-everywhere", headers=headers).status_code == 204
    assert browser.http.get("/api/v1/me", headers=headers).status_code == 401


def test_nobody_fills_the_log_with_bad_tokens() -> None:
    people = People(per_minute=5)
    browser = Browser(people)
    statuses = [browser.http.get("/api/v1/me", headers=bearer(f"x{number}")).status_code for number in range(8)]
    assert statuses == [401] * 5 + [429] * 3
    assert len(people.audit.entries) == 5
