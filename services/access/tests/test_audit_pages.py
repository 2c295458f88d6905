from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from homeward.access.web.console.audit import ACTION_WORDS, FACT_WORDS
from homeward.shared.audit import ANONYMOUS, RECEIPT_HOLDER, Entry
from homeward.shared.audit_log.copy import read_copy
from homeward.shared.audit_log.line import action_name
from homeward.shared.audit_log.verification import verify
from homeward.shared.ids import derived_id
from homewardapi.audit.v1 import audit_pb2
from homewardapi.audit.v1.audit_pb2 import AuditAction, AuditRecord
from support.access_audit import AuditWorld
from support.access_audit_site import PERSON, audit_site
from support.access_console import AUDITOR, OFFICER

PEOPLE = {"auditor": AUDITOR, "officer": OFFICER}
CASE = derived_id("test", "case")


@pytest.fixture
def world(tmp_path: Path) -> AuditWorld:
    return AuditWorld(tmp_path)


@pytest.fixture
def client(world: AuditWorld) -> TestClient:
    return TestClient(audit_site(world, PEOPLE), headers={PERSON: "auditor", "accept": "text/html"})


def test_every_action_and_fact_has_words() -> None:
    assert set(ACTION_WORDS) == {action_name(action) for action in AuditAction.values() if action}
    optional = {name for name in AuditRecord.DESCRIPTOR.fields_by_name if name.startswith("optional_")}
    assert set(FACT_WORDS) == {name.removeprefix("optional_") for name in optional}


def test_whatever_can_be_recorded_can_be_shown(world: AuditWorld, client: TestClient) -> None:
    for action in AuditAction.values():
        if action:
            world.audit.record(Entry(action, "homeward/matching", request_id=CASE, faces_compared=3, code="a_code"))
    for actor in (ANONYMOUS, RECEIPT_HOLDER, OFFICER.official_id, derived_id("official", "unknown")):
        world.audit.record(Entry(audit_pb2.AUDIT_ACTION_REQUEST_VIEWED, actor, audit_pb2.AUDIT_OUTCOME_DENIED))
    for language in ("en", "zh-Hant"):
        page = client.get("/audit", headers={"accept-language": language})
        assert page.status_code == 200
        assert OFFICER.name in page.text
        assert f'href="/requests/{CASE}"' in page.text


def test_a_code_is_told_whole_and_an_id_by_its_beginning(world: AuditWorld, client: TestClient) -> None:
    authorisation = derived_id("authorisation", "one")
    entry = Entry(
        audit_pb2.AUDIT_ACTION_DELETED,
        "homeward/retention",
        authorisation_id=authorisation,
        code="templates_of_ended",
    )
    world.audit.record(entry)
    text = client.get("/audit").text
    assert ">templates_of_ended<" in text
    assert f">{authorisation[:8]}…<" in text


def test_the_look_at_the_page_is_a_record_on_it(client: TestClient) -> None:
    page = client.get("/audit")
    assert page.text.count(AUDITOR.name) == 2  # at the side, and in the record
    assert client.get("/audit").text.count(AUDITOR.name) == 3


def test_filters_and_the_way_to_older_records_keep_each_other(world: AuditWorld, client: TestClient) -> None:
    for number in range(120):
        world.audit.record(Entry(audit_pb2.AUDIT_ACTION_PHOTO_VIEWED, OFFICER.official_id, code=f"a{number}a"))
    page = client.get("/audit", params={"action": "photo_viewed", "since": "2026-11-23T20:00"})
    seen = 0
    while True:
        seen += page.text.count("<tr>") - 1
        assert "audit_viewed" not in page.text.split("<tbody>")[1]
        if 'rel="next"' not in page.text:
            break
        older = page.text.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
        assert "action=photo_viewed" in older
        assert f"since={quote('2026-11-23T20:00')}" in older
        page = client.get(older)
    assert seen == 120
    assert "No record fits" in client.get("/audit", params={"until": "2026-11-23T20:00"}).text


@pytest.mark.parametrize("query", [{"since": "x"}, {"until": "9999-99-99"}, {"after": "nowhere"}])
def test_what_is_no_time_is_told(client: TestClient, query: dict[str, str]) -> None:
    assert client.get("/audit", params=query).status_code == 422


def test_a_copy_is_what_the_page_shows(world: AuditWorld, client: TestClient) -> None:
    for number in range(5):
        denied = audit_pb2.AUDIT_OUTCOME_DENIED if number % 2 else audit_pb2.AUDIT_OUTCOME_ALLOWED
        world.audit.record(Entry(audit_pb2.AUDIT_ACTION_PHOTO_VIEWED, OFFICER.official_id, denied))
    world.sign()
    for query, records in (({}, 5), ({"outcome": "denied"}, 2)):
        copy = read_copy(client.get("/audit/copy", params=query).content.splitlines())
        verdict = verify(copy, (), world.keys.public)
        assert (verdict.good, verdict.records) == (True, records)


@pytest.mark.parametrize("path", ["/audit", "/audit/copy"])
def test_others_are_shown_nothing(world: AuditWorld, client: TestClient, path: str) -> None:
    world.audit.record(Entry(audit_pb2.AUDIT_ACTION_PHOTO_VIEWED, OFFICER.official_id))
    refused = client.get(path, headers={PERSON: "officer"})
    assert refused.status_code == 403
    assert "<tbody>" not in refused.text


@pytest.mark.parametrize("language", ["en", "zh-Hant"])
def test_the_report_is_there_for_anybody(world: AuditWorld, language: str) -> None:
    client = TestClient(audit_site(world, PEOPLE), headers={"accept-language": language})
    assert client.get("/transparency").status_code == 200
    world.audit.record(
        Entry(audit_pb2.AUDIT_ACTION_REQUEST_SUBMITTED, OFFICER.official_id, request_id=CASE, purpose="incident")
    )
    world.clock.sleep(40 * 24 * 3600)
    page = client.get("/transparency")
    assert page.status_code == 200
    assert "2026-11" in page.text
