"""The console over the real use cases: what one person does on a page, the next one sees on theirs."""

import html
import re
from http import HTTPStatus

import pytest
from fastapi.testclient import TestClient

from homeward.access.cases.model import RequestState
from homeward.access.people.principal import Principal
from homeward.shared.authorisation import Purpose
from support.access_cases import AUDITOR, OFFICER, PICTURE, SUPERVISOR, CasesWorld
from support.access_console import PUBLIC_URL, Console


@pytest.fixture(scope="module")
def world() -> CasesWorld:
    return CasesWorld()


@pytest.fixture(scope="module")
def console(world: CasesWorld) -> Console:
    return Console(cases=world.cases, receipts=world.receipts, clock=world.clock)


def client(console: Console, who: Principal | None) -> TestClient:
    console.signed_in.who = who
    return TestClient(console.app, base_url=PUBLIC_URL, headers={"Accept": "text/html"}, follow_redirects=False)


def missing(console: Console, **changed: str | list[str]) -> dict[str, str | list[str]]:
    since = console.instants.field(console.clock.now())
    return {
        "photos.0.source": "Mother",
        "photos.0.taken_on": "2026-10-03",
        "details.last_seen_at": since,
        "details.last_seen_place": "Harbour <Road>",
        "camera_ids": ["gate", "hall"],
        "details.relation": "parent",
        "details.basis": "consent",
        "details.basis_note": "Her mother agreed",
        "details.risk": "high",
        "case_reference": "M-2026-1181",
        "reason": "A girl of seven did not come home.",
        "urgent": "yes",
        **changed,
    }


def ask(console: Console) -> tuple[str, str, str]:
    """Ask for somebody missing; return the request's id, the receipt's reference and its secret."""
    page = client(console, OFFICER).post(
        "/ask/missing-person", data=missing(console), files={"photos.0.file": ("x.jpg", PICTURE, "image/jpeg")}
    )
    assert page.status_code == HTTPStatus.OK, page.text
    found = re.search(r"/requests/([0-9a-f-]{36})/start", page.text)
    keys = re.findall(r"<dd>([^<]+)</dd>", page.text)
    assert found is not None
    return found[1], keys[0], keys[1]


def test_a_search_from_the_asking_to_the_withdrawal(world: CasesWorld, console: Console) -> None:
    request_id, reference, secret = ask(console)
    begun = client(console, OFFICER).post(f"/requests/{request_id}/start")
    assert begun.status_code == HTTPStatus.SEE_OTHER
    page = client(console, SUPERVISOR).get(f"/requests/{request_id}").text
    assert "It runs on one signature" in page
    assert "Harbour &lt;Road&gt;" in page
    reason = {"approve_reason": "A child is in danger."}
    agreed = client(console, SUPERVISOR).post(f"/requests/{request_id}/approve", data=reason)
    assert agreed.headers["location"].endswith("?done=approve")
    assert "It runs, and ends by itself at" in client(console, SUPERVISOR).get(f"/requests/{request_id}").text
    keys = {"reference": reference, "secret": html.unescape(secret)}
    assert "It was agreed to, and runs." in client(console, None).post("/receipt", data=keys).text
    assert "You have ended it." in client(console, None).post("/receipt/withdraw", data=keys).text
    assert world.cases.request(SUPERVISOR, request_id).state is RequestState.WITHDRAWN
    assert world.searches.stopped == [request_id]


def test_a_chinese_page_says_what_a_request_means_in_chinese(console: Console) -> None:
    request_id, *_ = ask(console)
    page = client(console, SUPERVISOR).get(f"/requests/{request_id}", headers={"Accept-Language": "zh-TW"}).text
    plain = page.partition('class="plain">')[2].partition("</section>")[0]
    words = re.sub(r"<[^>]+>|Harbour &lt;Road&gt;", "", plain)
    assert "只尋找一位失蹤者的臉" in words
    assert not re.search(r"[A-Za-z]{3,}", words), words


def test_a_refusal_of_the_use_case_stands_at_its_field(console: Console) -> None:
    asked = missing(console, case_reference="x" * 101)
    page = client(console, OFFICER).post(
        "/ask/missing-person", data=asked, files={"photos.0.file": ("x.jpg", PICTURE, "image/jpeg")}
    )
    assert page.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert '<a href="#field-case_reference">' in page.text


def test_what_is_no_photo_stands_at_its_row(console: Console) -> None:
    page = client(console, OFFICER).post(
        "/ask/missing-person", data=missing(console), files={"photos.0.file": ("x.jpg", b"MZ", "image/jpeg")}
    )
    assert page.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert re.search(r'<a href="#field-photos(\.0)?">', page.text)
    assert re.search(r'id="field-photos\.0"', page.text)


def test_nobody_decides_upon_their_own_request_by_a_form_either(console: Console) -> None:
    request_id, *_ = ask(console)
    answer = client(console, OFFICER).post(f"/requests/{request_id}/approve", data={"approve_reason": "I say so too."})
    assert answer.status_code == HTTPStatus.FORBIDDEN
    seen = client(console, AUDITOR).post(f"/requests/{request_id}/approve", data={"approve_reason": "I say so too."})
    assert seen.status_code == HTTPStatus.FORBIDDEN


def test_the_lists_show_what_the_use_case_gives(console: Console) -> None:
    request_id, *_ = ask(console)
    assert f"/requests/{request_id}" in client(console, SUPERVISOR).get("/").text
    assert f"/requests/{request_id}" in client(console, OFFICER).get("/requests?mine=yes").text
    assert f"/requests/{request_id}" not in client(console, OFFICER).get("/requests?show=running").text
    bad = client(console, OFFICER).get("/requests?after=nowhere")
    assert bad.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert Purpose.INCIDENT.value in client(console, OFFICER).get("/requests?purpose=incident").text
