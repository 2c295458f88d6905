import json

import httpx
import pytest

from homeward.cli.access_api import AccessApi, AccessAwayError, AccessRefusedError, Upload

URL = "http://127.0.0.1:8080"
ID = "0d5c1f5e-0000-4000-8000-000000000000"


class Access:
    """Answers as it was told to, and remembers what it was asked."""

    def __init__(self, status: int = 204, body: object = None, error: Exception | None = None) -> None:
        self.status, self.body, self.error = status, body, error
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.asked.append(request)
        if self.error is not None:
            raise self.error
        if self.body is None:
            return httpx.Response(self.status)
        return httpx.Response(self.status, content=json.dumps(self.body), headers={"Content-Type": "application/json"})


def api(access: Access) -> AccessApi:
    return AccessApi(URL, lambda: "a-token", transport=httpx.MockTransport(access))


def test_a_request_goes_out_with_its_photos_and_the_callers_token() -> None:
    access = Access(201, {"request_id": ID, "reference": "r", "secret": "s"})
    photo = Upload(b"\xff\xd8\xff photo", "the family", "2026-11-01")
    assert api(access).ask({"purpose": "missing_person"}, [photo])["request_id"] == ID
    (request,) = access.asked
    assert (request.method, request.url.path) == ("POST", "/api/v1/requests")
    assert request.headers["Authorization"] == "Bearer a-token"
    assert b'"taken_on": "2026-11-01"' in request.content
    assert b"\xff\xd8\xff photo" in request.content
    # A file is called by its place: people call theirs by the name of who is in them.
    assert b'filename="0.jpg"' in request.content


@pytest.mark.parametrize("call", ["start", "approve", "stop", "request"])
def test_each_call_has_its_route(call: str) -> None:
    access = Access(200, {"state": "open"}) if call == "request" else Access()
    caller = api(access)
    if call == "start":
        caller.start(ID)
    elif call == "approve":
        caller.approve(ID, "agreed to by two")
    elif call == "stop":
        caller.stop(ID, "found at home", found=True)
    else:
        assert caller.request(ID) == {"state": "open"}
    suffix = "" if call == "request" else f"/{call}"
    assert access.asked[0].url.path == f"/api/v1/requests/{ID}{suffix}"


def test_a_refusal_carries_the_reason_of_access() -> None:
    problem = {"code": "cameras", "detail": "there is no camera gaet; the list has those that there are"}
    with pytest.raises(AccessRefusedError, match="no camera gaet") as caught:
        api(Access(422, problem)).start(ID)
    assert caught.value.code == "cameras"


def test_a_refusal_names_the_part_at_fault() -> None:
    problem = {"code": "too_short", "detail": "this is missing", "field": "case_reference"}
    with pytest.raises(AccessRefusedError, match=r"^case_reference: this is missing$"):
        api(Access(422, problem)).start(ID)


@pytest.mark.parametrize(
    "access",
    [Access(503, {"code": "away", "detail": "try again"}), Access(error=httpx.ConnectError("refused"))],
    ids=["cannot", "silent"],
)
def test_an_access_that_is_away_is_no_refusal(access: Access) -> None:
    with pytest.raises(AccessAwayError):
        api(access).start(ID)


def test_an_answer_that_is_no_problem_of_ours_is_told_by_its_status() -> None:
    with pytest.raises(AccessRefusedError, match="418"):
        api(Access(418, ["tea"])).start(ID)
