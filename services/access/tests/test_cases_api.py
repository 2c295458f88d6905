"""The API of requests, over HTTP as a program speaks it."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from support.access_cases import PICTURE, REASON, CasesWorld
from support.access_http import cases_app

MISSING: dict[str, Any] = {
    "purpose": "missing_person",
    "case_reference": "M-1",
    "reason": REASON,
    "camera_ids": ["gate", "hall"],
    "relation": "parent",
    "basis": "consent",
    "basis_note": "the mother agrees",
    "last_seen_at": "2026-11-23T10:00:00Z",
    "last_seen_place": "at the ticket hall",
    "risk": "high",
    "urgent": True,
    "photos": [{"source": "the family", "taken_on": "2026-08-01"}],
}
INCIDENT: dict[str, Any] = {
    "purpose": "incident",
    "case_reference": "I-1",
    "reason": REASON,
    "camera_ids": ["gate"],
    "event": "a bicycle was stolen",
    "starts_at": "2026-11-23T09:00:00Z",
    "ends_at": "2026-11-23T10:00:00Z",
}


@pytest.fixture
def world() -> CasesWorld:
    return CasesWorld()


@pytest.fixture
def client(world: CasesWorld) -> TestClient:
    return TestClient(cases_app(world))


def ask(client: TestClient, request: dict[str, Any], *photos: bytes, once: str | None = None) -> Any:
    files = [("photos", (f"{number}.jpg", photo, "image/jpeg")) for number, photo in enumerate(photos)]
    headers = {"x-test-person": "officer"} | ({} if once is None else {"Idempotency-Key": once})
    if not files:
        return client.post("/api/v1/requests", data={"request": json.dumps(request)}, headers=headers)
    return client.post("/api/v1/requests", data={"request": json.dumps(request)}, files=files, headers=headers)


def test_a_search_from_the_request_to_the_withdrawal(client: TestClient, world: CasesWorld) -> None:
    answer = ask(client, MISSING, PICTURE)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    where = f"/api/v1/requests/{made['request_id']}"
    officer, commander = {"x-test-person": "officer"}, {"x-test-person": "commander"}
    assert client.post(f"{where}/start", headers=officer).status_code == 204
    seen = client.get(where, headers=commander).json()
    assert (seen["state"], seen["may"]) == ("open_urgent", ["approve", "narrow", "refuse", "see_photos", "stop"])
    assert client.post(
        f"{where}/approve", json={"reason": REASON, "camera_ids": ["gate"]}, headers=commander
    ).is_success
    seen = client.get(where, headers=commander).json()
    assert (seen["state"], seen["in_force"]["camera_ids"], len(seen["asked"]["camera_ids"])) == ("open", ["gate"], 2)
    picture = client.get(f"{where}/photos/0", headers=commander)
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.headers["cache-control"] == "no-store"
    assert picture.content.startswith(b"\xff\xd8")
    listed = client.get("/api/v1/requests?state=open&limit=5", headers=commander).json()
    assert [row["request_id"] for row in listed["items"]] == [made["request_id"]]
    receipt = {"reference": made["reference"], "secret": made["secret"]}
    assert client.post("/api/v1/receipts/look", json=receipt).json()["state"] == "open"
    assert client.post("/api/v1/receipts/withdraw", json=receipt).status_code == 204
    assert client.post("/api/v1/receipts/withdraw", json=receipt).status_code == 409
    assert client.post("/api/v1/receipts/look", json=receipt).json()["state"] == "withdrawn"
    assert world.photos() == set()


def test_a_program_that_asks_again_with_its_key_makes_one_request(client: TestClient) -> None:
    key = "7a1c6c5e-94a5-4d0e-9c0b-3f8f3a6c1f11"
    made = ask(client, MISSING, PICTURE, once=key)
    again = ask(client, MISSING, PICTURE, once=key)
    assert (made.status_code, again.status_code, again.json()["code"]) == (201, 409, "sent")
    assert made.json()["request_id"] in again.json()["detail"]
    assert ask(client, INCIDENT, once=key).status_code == 201
    assert ask(client, INCIDENT, once="twice").status_code == 422


def test_an_incident_takes_no_photo(client: TestClient) -> None:
    assert ask(client, INCIDENT).status_code == 201
    assert ask(client, INCIDENT, PICTURE).json()["code"] == "photos"
    refused = ask(client, {**INCIDENT, "photos": MISSING["photos"]}, PICTURE)
    assert (refused.status_code, refused.json()["code"]) == (422, "malformed")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"reason": "short"}, "reason"),
        ({"reason": "x" * 2001}, "reason"),
        ({"case_reference": ""}, "case_reference"),
        ({"case_reference": "x" * 101}, "case_reference"),
        ({"camera_ids": []}, "camera_ids"),
        ({"camera_ids": ["Gate"]}, "camera_ids"),
        ({"basis_note": "x" * 501}, "basis_note"),
        ({"last_seen_at": "2026-11-23T10:00:00"}, "last_seen_at"),
        ({"last_seen_at": "2026-11-24T10:00:00Z"}, "last_seen_at"),
        ({"starts_at": "2026-11-01T10:00:00Z"}, "starts_at"),
        ({"lifetime_s": 73 * 3600}, "lifetime_s"),
        ({"name": "of the child"}, "name"),
        ({"last_seen_place": "\u202eabc"}, "last_seen_place"),
    ],
)
def test_what_is_malformed_is_refused_by_its_field_and_never_repeated(
    client: TestClient, change: dict[str, Any], field: str
) -> None:
    answer = ask(client, {**MISSING, **change}, PICTURE)
    assert answer.status_code == 422
    assert field in answer.json()["field"].split(".")
    assert "of the child" not in answer.text


def test_every_route_of_a_request_is_closed_to_who_may_not_know_of_it(client: TestClient) -> None:
    made = ask(client, MISSING, PICTURE).json()
    where = f"/api/v1/requests/{made['request_id']}"
    calls: list[tuple[str, str, dict[str, Any] | None]] = [
        ("GET", where, None),
        ("GET", f"{where}/photos/0", None),
        ("POST", f"{where}/start", None),
        ("POST", f"{where}/approve", {"reason": REASON}),
        ("POST", f"{where}/refuse", {"reason": REASON}),
        ("POST", f"{where}/stop", {"reason": REASON}),
    ]
    for method, url, body in calls:
        for person, status in (("", 401), ("operator", 404), ("reviewer", 404)):
            answer = client.request(method, url, json=body, headers={"x-test-person": person})
            assert answer.status_code == status, (method, url, person)
    for method, url, body in calls[1:]:
        answer = client.request(method, url, json=body, headers={"x-test-person": "auditor"})
        assert answer.status_code == 403, (method, url)


def test_a_wrong_receipt_looks_like_none(client: TestClient) -> None:
    made = ask(client, MISSING, PICTURE).json()
    wrong = client.post("/api/v1/receipts/look", json={"reference": made["reference"], "secret": "0" * 26})
    none = client.post("/api/v1/receipts/look", json={"reference": "0000-0000", "secret": "0" * 26})
    assert (wrong.status_code, wrong.json()) == (none.status_code, none.json()) == (404, none.json())


def test_an_audit_log_that_is_away_stops_everything(client: TestClient, world: CasesWorld) -> None:
    world.audit.away = True
    answer = ask(client, MISSING, PICTURE)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    world.audit.away = False
    assert client.get("/api/v1/requests", headers={"x-test-person": "officer"}).json()["items"] == []


def test_the_policy_is_shown(client: TestClient) -> None:
    shown = client.get("/api/v1/policy", headers={"x-test-person": "officer"}).json()
    assert shown["policy"]["searches_at_once"] == 20
    assert len(shown["digest"]) == 64
    assert client.get("/api/v1/policy").status_code == 401
