"""Every route that access serves, walked as nobody and as every role."""

import re
from collections.abc import Iterator
from typing import Final

import pytest
from starlette.testclient import TestClient

from homeward.access.people.csrf import HEADER
from support.access_whole import GROUPS, WholeAccess

PUBLIC: Final = {
    ("GET", "/.well-known/jwks.json"),
    ("GET", "/api/v1/openapi.json"),
    ("GET", "/api/v1/transparency"),
    ("GET", "/api/v1/transparency/keys"),
    ("GET", "/receipt"),
    ("GET", "/sign-in"),
    ("GET", "/sign-in/callback"),
    ("GET", "/static/{name}"),
    ("GET", "/transparency"),
    ("GET", "/welcome"),
    ("POST", "/api/v1/receipts/look"),
    ("POST", "/api/v1/receipts/withdraw"),
    ("POST", "/language"),
    ("POST", "/receipt"),
    ("POST", "/receipt/withdraw"),
}
"""What is open to anybody: a route is added here by review, and nothing else is."""

ASKING: Final = {"officer", "supervisor"}
EVERYBODY: Final = set(GROUPS)
LET_IN: Final = (
    (r"/api/v1/review/(searches/[^/]+/outcome|sightings/[^/]+/confirmed/[^/]+)", ASKING),
    (r"(/api/v1)?/review(/.*)?", {"reviewer"}),
    (r"(/api/v1)?/audit(/.*)?", {"auditor"}),
    (r"/ask(/.*)?", ASKING),
    (r"/requests/[^/]+/(start|approve|refuse|stop|sightings|confirmed)(/.*)?", ASKING),
    (r"/requests(/.*)?", ASKING | {"reviewer", "auditor"}),
    (r"/cameras(/.*)?", ASKING | {"reviewer", "operator"}),
    # Of these the use case says who may, by the request or the grant: nothing of anybody else's is found.
    (r"/api/v1/(requests|cameras|grants)(/.*)?", EVERYBODY),
    (r"/|/policy|/api/v1/(policy|me)", EVERYBODY),
)
"""Whom the gate of a route lets in, the first that fits: a route that none fits is nobody's, and fails here."""

LEAVING: Final = {"/sign-out", "/sign-out-everywhere", "/api/v1/me/sign-out-everywhere"}
ID: Final = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeAccess]:
    with pytest.MonkeyPatch.context() as patched:
        yield WholeAccess(patched, tmp_path_factory.mktemp("access"))


def ask(client: TestClient, method: str, path: str) -> int:
    return client.request(method, re.sub(r"\{[^}]*\}", ID, path)).status_code


def let_in(path: str) -> set[str]:
    for pattern, who in LET_IN:
        if re.fullmatch(pattern, path):
            return who
    pytest.fail(f"say in LET_IN who may use {path}")


def test_nobody_gets_past_the_gate_but_to_what_is_public(access: WholeAccess) -> None:
    client = access.client()
    routes = access.routes()
    assert PUBLIC & set(routes)
    for method, path in routes:
        status = ask(client, method, path)
        if (method, path) not in PUBLIC:
            assert status == 401, f"{method} {path} is open to anybody"
        assert status < 500, f"{method} {path} fails"


@pytest.mark.parametrize("who", sorted(GROUPS))
def test_each_role_gets_where_it_should_and_nowhere_else(access: WholeAccess, who: str) -> None:
    client = access.client(who)
    for method, path in access.routes():
        if (method, path) in PUBLIC or path in LEAVING:
            continue
        status = ask(client, method, path)
        assert status < 500, f"{method} {path} fails for {who}"
        assert (status not in {401, 403}) is (who in let_in(path)), f"{method} {path} answers {who} with {status}"


def test_no_session_changes_anything_without_its_csrf_token(access: WholeAccess) -> None:
    for who in GROUPS:
        client = access.client(who)
        del client.headers[HEADER]
        for method, path in access.routes():
            if method != "GET" and (method, path) not in PUBLIC:
                answer = client.request(method, re.sub(r"\{[^}]*\}", ID, path))
                assert (answer.status_code, answer.json()["code"]) == (403, "csrf"), f"{method} {path}"


def test_every_refusal_of_a_role_is_recorded(access: WholeAccess) -> None:
    client = access.client("operator")
    before = len(access.audit.entries)
    assert ask(client, "GET", "/api/v1/audit") == 403
    (entry,) = access.audit.entries[before:]
    assert entry.code == "role"
