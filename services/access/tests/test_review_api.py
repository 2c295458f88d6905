from dataclasses import dataclass, field

import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from homeward.access.people.principal import Principal, Role
from homeward.access.review.api import review_router
from homeward.access.review.stream import Streams
from homeward.access.web.app import build_app
from homeward.access.web.gate import Gate
from support.access_review import APPROVER, REQUEST, REQUESTER, ReviewWorld, crop_bytes, reviewer, sighting
from support.access_world import principal

ADA, BEN = reviewer("ada"), reviewer("ben")
PICTURES = ("/pictures/", "/confirmed/", "/photos/")


@dataclass
class Door:
    """Lets in whom the test says."""

    who: Principal | None = None

    def authenticate(self, request: Request) -> Principal | None:
        del request
        return self.who


class Valid:
    def is_live(self, principal: Principal) -> bool:
        del principal
        return True


@dataclass
class Site:
    world: ReviewWorld = field(default_factory=ReviewWorld)
    door: Door = field(default_factory=Door)

    def __post_init__(self) -> None:
        self.world.opened()
        self.sighting_id = self.world.sighted(sighting())
        self.streams = Streams(self.world.review.feed, Valid(), self.world.clock)
        gate = Gate(self.door, self.world.audit)
        self.app: FastAPI = build_app([review_router(self.world.review, self.streams, gate)])
        self.client = TestClient(self.app, raise_server_exceptions=False)

    def routes(self) -> list[tuple[str, str]]:
        """Return every route of review, its ids filled in."""
        return [
            (method, path.format(request_id=REQUEST, sighting_id=self.sighting_id, number=0))
            for path, methods in self.app.openapi()["paths"].items()
            for method in methods
        ]


@pytest.fixture
def site() -> Site:
    return Site()


def test_a_reviewer_looks_and_answers(site: Site) -> None:
    site.door.who = ADA
    (search,) = site.client.get("/api/v1/review/searches").json()
    assert (search["request_id"], search["asked"], search["case_reference"]) == (REQUEST, 1, "MP-2026-113")
    (listed,) = site.client.get(f"/api/v1/review/searches/{REQUEST}/sightings").json()["sightings"]
    assert (listed["standing"], listed["support"], listed["may_answer"]) == ("asked", "moderately_strong", True)
    assert [picture["quality_word"] for picture in listed["pictures"]] == ["good"] * 3
    path = f"/api/v1/review/sightings/{site.sighting_id}"
    assert site.client.put(f"{path}/answer", json={"answer": "yes"}).json()["standing"] == "waiting"
    site.door.who = BEN
    assert site.client.get(path).json()["standing"] == "asked"
    assert site.client.put(f"{path}/answer", json={"answer": "yes"}).json()["standing"] == "confirmed"
    site.door.who = REQUESTER
    outcome = site.client.get(f"/api/v1/review/searches/{REQUEST}/outcome").json()
    assert [view["sighting_id"] for view in outcome["confirmed"]] == [site.sighting_id]
    assert site.client.get(f"{path}/confirmed/0").content == crop_bytes(0)


def test_a_picture_is_shown_and_kept_nowhere(site: Site) -> None:
    site.door.who = ADA
    answer = site.client.get(f"/api/v1/review/sightings/{site.sighting_id}/pictures/1")
    assert answer.content == crop_bytes(1)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"] == "inline"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "etag" not in answer.headers


def test_no_answer_may_be_kept_and_no_route_gives_more_than_one_picture(site: Site) -> None:
    site.door.who = ADA
    for method, path in site.routes():
        if path.endswith("/stream"):
            continue
        answer = site.client.request(method, path, json={"answer": "no"} if method == "put" else None)
        if answer.is_success:
            assert answer.headers["cache-control"] == "no-store", path
        if not any(part in path for part in PICTURES):
            assert answer.headers["content-type"] in {"application/json", "application/problem+json"}, path
            assert b"\xff\xd8" not in answer.content


OUTSIDERS = {
    "nobody": (None, 401),
    "auditor": (principal(Role.AUDITOR), 403),
    "operator": (principal(Role.OPERATOR), 403),
    "another requester": (principal(Role.REQUESTER, name="another"), 404),
    "another approver": (principal(Role.APPROVER, name="another"), 404),
    "requester": (REQUESTER, 403),
    "approver": (APPROVER, 403),
}


@pytest.mark.parametrize("who", OUTSIDERS)
def test_no_route_is_open_to_whoever_must_not_review(site: Site, who: str) -> None:
    site.door.who, expected = OUTSIDERS[who]
    for method, path in site.routes():
        answer = site.client.request(method, path, json={"answer": "yes"} if method == "put" else None)
        for_officials = "outcome" in path or "confirmed" in path
        if for_officials and who in {"requester", "approver"}:
            assert answer.status_code == (200 if "outcome" in path else 404)
        elif not for_officials and who.startswith("another"):
            assert answer.status_code == 403, path
        else:
            assert answer.status_code == expected, path


@pytest.mark.parametrize("path", ["searches/x", "sightings/1 OR 1", f"sightings/{REQUEST}/pictures/-1"])
def test_what_is_no_id_is_malformed(site: Site, path: str) -> None:
    site.door.who = ADA
    assert site.client.get(f"/api/v1/review/{path}").status_code == 422


@pytest.mark.parametrize("body", [{}, {"answer": "maybe"}, {"answer": "yes", "verdict": "confirmed"}, []])
def test_what_is_no_answer_is_malformed(site: Site, body: object) -> None:
    site.door.who = ADA
    path = f"/api/v1/review/sightings/{site.sighting_id}/answer"
    assert site.client.put(path, json=body).status_code == 422


def test_while_nothing_can_be_recorded_nothing_is_shown(site: Site) -> None:
    site.door.who = ADA
    site.world.audit.away = True
    for method, path in site.routes():
        answer = site.client.request(method, path, json={"answer": "yes"} if method == "put" else None)
        assert answer.status_code == 503, path


def test_an_ended_search_says_so_and_has_no_stream(site: Site) -> None:
    site.door.who = ADA
    site.world.ends()
    assert site.client.get(f"/api/v1/review/searches/{REQUEST}").json()["ended_at"] is not None
    assert site.client.get(f"/api/v1/review/searches/{REQUEST}/stream").status_code == 204
    answer = site.client.get(f"/api/v1/review/sightings/{site.sighting_id}/pictures/0")
    assert (answer.status_code, answer.json()["code"]) == (409, "ended")
    # The place of a stream that did not begin is given back.
    for _ in range(10):
        assert site.client.get(f"/api/v1/review/searches/{REQUEST}/stream").status_code == 204


def test_a_stream_is_events_and_resumes_by_its_header(site: Site) -> None:
    site.door.who = ADA
    site.streams._ending.set()
    answer = site.client.get(f"/api/v1/review/searches/{REQUEST}/stream", headers={"Last-Event-ID": "1"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.startswith("retry: ")
    assert site.streams._open.total() == 0
