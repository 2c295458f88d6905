import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from sqlalchemy import event
from starlette.testclient import TestClient

from homeward.access.audit import exporting
from homeward.access.audit.api import audit_router, transparency_router
from homeward.access.audit.reading import AuditFilter
from homeward.access.people.principal import Principal, Role
from homeward.access.web.app import build_app
from homeward.access.web.gate import Gate
from homeward.shared.audit import Entry
from homeward.shared.audit_log.checkpoint import SignedCheckpoint
from homeward.shared.audit_log.copy import read_copy
from homeward.shared.audit_log.merkle import consistent, includes
from homeward.shared.audit_log.verification import verify
from homeward.shared.ids import derived_id
from homewardapi.audit.v1 import audit_pb2
from support.access_audit import AuditWorld
from support.access_world import NOON, principal

AUDITOR = principal(Role.AUDITOR, name="auditor")
OFFICER = principal(Role.REQUESTER, name="officer")
PEOPLE = {"auditor": AUDITOR, "officer": OFFICER}
CASE = derived_id("test", "case")


class ByHeader:
    """Believes a header; for tests alone."""

    def authenticate(self, request: Request) -> Principal | None:
        return PEOPLE.get(request.headers.get("x-test-person", ""))


@pytest.fixture
def world(tmp_path: Path) -> AuditWorld:
    return AuditWorld(tmp_path)


def app(world: AuditWorld) -> FastAPI:
    gate = Gate(ByHeader(), world.audit)
    return build_app(
        [audit_router(world.log, world.export, gate), transparency_router(world.transparency, world.keys.public)]
    )


@pytest.fixture
def client(world: AuditWorld) -> TestClient:
    return TestClient(app(world), headers={"x-test-person": "auditor"})


def happened(world: AuditWorld, number: int = 30) -> None:
    """Let `number` things happen, a minute apart: looks at a case by three people, each fifth refused."""
    for at in range(number):
        denied = at % 5 == 0
        world.audit.record(
            Entry(
                audit_pb2.AUDIT_ACTION_REQUEST_VIEWED if at % 2 else audit_pb2.AUDIT_ACTION_PHOTO_VIEWED,
                derived_id("official", at % 3),
                audit_pb2.AUDIT_OUTCOME_DENIED if denied else audit_pb2.AUDIT_OUTCOME_ALLOWED,
                request_id=CASE if at % 4 == 0 else None,
            )
        )
        world.clock.move(timedelta(minutes=1))


def get(client: TestClient, path: str = "", **query: str) -> Any:
    answer = client.get(f"/api/v1/audit{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def numbers(answer: Any) -> list[int]:
    return [record["number"] for record in answer["records"]]


def test_records_are_read_newest_first_a_page_at_a_time(world: AuditWorld, client: TestClient) -> None:
    happened(world)
    seen: list[int] = []
    answer = get(client, size="7")
    # The look itself comes first: it was recorded before anything was read.
    assert answer["records"][0]["action"] == "audit_viewed"
    assert answer["records"][0]["actor_id"] == AUDITOR.official_id
    while True:
        seen += numbers(answer)
        if answer["after"] is None:
            break
        answer = get(client, size="7", after=answer["after"])
    assert seen == list(range(30, -1, -1))


@pytest.mark.parametrize(
    ("query", "passes"),
    [
        ({"action": "photo_viewed"}, lambda at: at % 2 == 0),
        ({"outcome": "denied"}, lambda at: at % 5 == 0),
        ({"actor_id": derived_id("official", 1)}, lambda at: at % 3 == 1),
        ({"actor_id": derived_id("official", 1), "action": "request_viewed"}, lambda at: at % 3 == 1 and at % 2),
        ({"request_id": CASE, "outcome": "allowed"}, lambda at: at % 4 == 0 and at % 5),
        ({"since": "2026-11-23T12:10:00Z", "until": "2026-11-23T12:20:00Z"}, lambda at: 10 <= at < 20),
    ],
)
def test_filters_let_through_what_they_name(
    world: AuditWorld, client: TestClient, query: dict[str, str], passes: Any
) -> None:
    happened(world)
    wanted = [at for at in range(29, -1, -1) if passes(at)]
    answer = get(client, **query)
    # The look may pass its own filter.
    assert [number for number in numbers(answer) if number < 30] == wanted


@pytest.mark.parametrize("query", [{"action": "nothing"}, {"after": "x"}, {"after": "20261123T120000.000000Z--1"}])
def test_what_is_malformed_is_refused(client: TestClient, query: dict[str, str]) -> None:
    assert client.get("/api/v1/audit", params=query).status_code == 422


@pytest.mark.parametrize("path", ["", "/export", "/records/0/proof", "/consistency?old=1"])
def test_auditors_alone_read_the_log(world: AuditWorld, path: str) -> None:
    happened(world)
    client = TestClient(app(world))
    assert client.get(f"/api/v1/audit{path}").status_code == 401
    refused = client.get(f"/api/v1/audit{path}", headers={"x-test-person": "officer"})
    assert refused.status_code == 403
    newest = world.log.page(AUDITOR, AuditFilter(outcome=audit_pb2.AUDIT_OUTCOME_DENIED), size=1).rows[0]
    assert (newest.actor_id, newest.action) == (OFFICER.official_id, "access_refused")


@pytest.mark.parametrize("path", ["", "/export", "/records/0/proof", "/consistency?old=1"])
def test_a_look_that_cannot_be_recorded_is_not_had(world: AuditWorld, client: TestClient, path: str) -> None:
    happened(world)
    world.sign()
    world.audit.away = True
    answer = client.get(f"/api/v1/audit{path}")
    assert answer.status_code == 503
    assert "record_id" not in answer.text


def test_the_whole_log_is_copied_as_it_was_signed(
    world: AuditWorld, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_LINES", 4)
    happened(world)
    world.sign()
    happened(world, 2)
    answer = client.get("/api/v1/audit/export")
    verdict = verify(read_copy(answer.content.splitlines()), world.anchors, world.keys.public)
    assert verdict.good
    assert (verdict.records, verdict.vouched) == (30, 30)
    exported = [row for row in world.log.page(AUDITOR, AuditFilter()).rows if row.action == "audit_exported"]
    assert [row.facts["objects"] for row in exported] == [30]


def test_a_selection_is_copied_with_proofs(
    world: AuditWorld, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_LINES", 4)
    happened(world)
    world.sign()
    answer = client.get("/api/v1/audit/export", params={"outcome": "denied"})
    copy = read_copy(answer.content.splitlines())
    verdict = verify(copy, (), world.keys.public)
    assert verdict.good
    assert [line.index for _, line in copy.lines if line] == [0, 5, 10, 15, 20, 25]


def test_a_selection_that_is_too_wide_is_refused(
    world: AuditWorld, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "WIDEST_SELECTION", 3)
    happened(world)
    world.sign()
    assert client.get("/api/v1/audit/export", params={"outcome": "denied"}).json()["code"] == "too_wide"


def test_nothing_is_copied_before_anything_is_signed(world: AuditWorld, client: TestClient) -> None:
    happened(world)
    answer = client.get("/api/v1/audit/export")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_signed")


def test_a_record_is_proven(world: AuditWorld, client: TestClient) -> None:
    happened(world)
    world.sign()
    answer = get(client, "/records/17/proof")
    signed = SignedCheckpoint.parse(answer["checkpoint"])
    leaf = hashlib.sha256(b"\0" + answer["line"].encode()).digest()
    path = [bytes.fromhex(part) for part in answer["path"]]
    assert includes(leaf, 17, signed.checkpoint.size, path, signed.checkpoint.root)
    assert json.loads(answer["line"])["record_id"] == answer["record"]["record_id"]
    assert client.get("/api/v1/audit/records/99/proof").status_code == 404
    assert client.get("/api/v1/audit/records/30/proof").json()["code"] == "not_signed"


def test_an_earlier_log_is_proven_to_be_the_beginning(world: AuditWorld, client: TestClient) -> None:
    happened(world)
    world.sign()
    earlier = world.anchors[0].signed.checkpoint
    happened(world)
    world.sign()
    answer = get(client, "/consistency", old=str(earlier.size))
    checkpoint = SignedCheckpoint.parse(answer["checkpoint"]).checkpoint
    path = [bytes.fromhex(part) for part in answer["path"]]
    assert consistent(earlier.size, earlier.root, checkpoint.size, checkpoint.root, path)
    assert client.get("/api/v1/audit/consistency?old=999").status_code == 422


def test_anybody_may_know_the_keys_and_the_report(world: AuditWorld) -> None:
    client = TestClient(app(world))
    keys = client.get("/api/v1/transparency/keys").json()["keys"]
    assert [key["kid"] for key in keys] == [world.keys.signing.key_id]
    assert "d" not in keys[0]
    report = client.get("/api/v1/transparency").json()
    assert report["through"] is None
    assert set(report["purposes"]) == {"subject_access", "missing_person", "incident"}


def test_the_document_of_the_api_can_be_made(world: AuditWorld) -> None:
    paths = app(world).openapi()["paths"]
    assert "application/x-ndjson" in paths["/api/v1/audit/export"]["get"]["responses"]["200"]["content"]


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (AuditFilter(), "ix_audit_lines_time"),
        (AuditFilter(since=NOON), "ix_audit_lines_time"),
        (AuditFilter(outcome=audit_pb2.AUDIT_OUTCOME_ALLOWED), "ix_audit_lines_time"),
        (AuditFilter(action=audit_pb2.AUDIT_ACTION_PHOTO_VIEWED), "ix_audit_lines_action"),
        (AuditFilter(actor_id=CASE), "ix_audit_lines_actor"),
        (AuditFilter(actor_id=CASE, action=audit_pb2.AUDIT_ACTION_PHOTO_VIEWED), "ix_audit_lines_actor_action"),
        (AuditFilter(outcome=audit_pb2.AUDIT_OUTCOME_DENIED), "ix_audit_lines_denied"),
        (AuditFilter(outcome=audit_pb2.AUDIT_OUTCOME_DENIED, actor_id=CASE), "ix_audit_lines_denied_actor"),
        (
            AuditFilter(action=audit_pb2.AUDIT_ACTION_PHOTO_VIEWED, outcome=audit_pb2.AUDIT_OUTCOME_DENIED),
            "ix_audit_lines_denied_action",
        ),
        (AuditFilter(request_id=CASE, action=audit_pb2.AUDIT_ACTION_FACES_COMPARED), "ix_audit_lines_request"),
    ],
)
def test_a_page_is_one_range_of_one_index(world: AuditWorld, wanted: AuditFilter, index: str) -> None:
    plans: list[str] = []

    def explain(connection: Any, _: object, statement: str, parameters: Any, *__: object) -> None:
        if "FROM audit_lines" in statement and "ORDER BY" in statement and "EXPLAIN" not in statement:
            plans.append(plan_of(connection, statement, parameters))

    event.listen(world.database.engine, "before_cursor_execute", explain)
    world.log.page(AUDITOR, wanted)
    (plan,) = plans
    if world.database.engine.dialect.name == "sqlite":
        assert f" {index} " in f"{plan} "
    else:  # PostgreSQL chooses among the indexes by what the table holds, which is nothing here.
        assert " ix_audit_lines" in plan
    # Sorting would read all that passes, and not a page of it.
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


def plan_of(connection: Any, statement: str, parameters: Any) -> str:
    """Return how the database would run a statement; PostgreSQL would read an empty table whole if it might."""
    if connection.dialect.name == "sqlite":
        return " ".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters))
    for other in ("seqscan", "bitmapscan", "sort"):
        connection.exec_driver_sql(f"SET LOCAL enable_{other} = off")
    return "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters))
