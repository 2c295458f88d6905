"""Pages over requests in memory: who is shown what, what forms say, what comes back."""

import re
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus

import pytest
from fastapi.testclient import TestClient

from homeward.access.cases.model import (
    Approval,
    Basis,
    IdentityCheck,
    IncidentDetails,
    MissingPersonDetails,
    Relation,
    RequestState,
    Risk,
    SubjectAccessDetails,
)
from homeward.access.errors import ConflictError, InvalidError
from homeward.access.people.principal import Principal
from homeward.access.sentence import Sentence
from homeward.shared.authorisation import Purpose
from support.access_console import (
    AUDITOR,
    INCIDENT,
    OFFICER,
    OPERATOR,
    OWN,
    PUBLIC_URL,
    REFERENCE,
    REFUSED,
    REVIEWER,
    SECRET,
    SUPERVISOR,
    URGENT,
    WAITING,
    Console,
)

MISSING = {
    "photos.0.source": "Mother",
    "photos.0.taken_on": "2026-10-03",
    "details.last_seen_at": "2026-11-23T19:10",
    "details.last_seen_place": "Harbour Road",
    "camera_ids": ["cam-000", "cam-003"],
    "details.relation": "parent",
    "details.basis": "consent",
    "details.basis_note": "Her mother agreed",
    "details.risk": "high",
    "case_reference": "M-2026-1181",
    "reason": "A girl of seven did not come home.",
    "urgent": "yes",
}
OWN_FOOTAGE = {
    "details.identity_check": "document_in_person",
    "details.identity_note": "Passport",
    "details.representative": "no",
    "photos.0.source": "The person",
    "photos.0.taken_on": "2026-10-03",
    "starts_at": "2026-11-20T10:00",
    "ends_at": "2026-11-20T12:00",
    "camera_ids": ["cam-000"],
    "case_reference": "SAR-1",
    "reason": "Was at the station that day.",
}
BURGLARY = {
    "details.event": "Burglary",
    "details.unredacted": "no",
    "starts_at": "2026-11-20T10:00",
    "ends_at": "2026-11-20T12:00",
    "camera_ids": ["cam-000"],
    "case_reference": "I-1",
    "reason": "A shop was broken into.",
    "lifetime": "12",
}
PHOTO = {"photos.0.file": ("girl.jpg", b"\xff\xd8\xff\xd9", "image/jpeg")}


def client(console: Console, who: Principal | None) -> TestClient:
    console.signed_in.who = who
    headers = {"Accept": "text/html"}
    return TestClient(console.app, base_url=PUBLIC_URL, headers=headers, follow_redirects=False)


@pytest.fixture(scope="module")
def shared() -> Console:
    return Console()


@pytest.fixture
def console(shared: Console) -> Console:
    # Templates are compiled once; what they show is new for each test.
    shared.forget()
    return shared


def test_an_urgent_search_for_somebody_missing_is_asked_for(console: Console) -> None:
    answer = client(console, OFFICER).post("/ask/missing-person", data=MISSING, files=PHOTO)
    assert answer.status_code == HTTPStatus.OK
    [(form, photos)] = console.cases.asked
    assert form.purpose is Purpose.MISSING_PERSON
    assert form.details == MissingPersonDetails(
        Relation.PARENT,
        Basis.CONSENT,
        "Her mother agreed",
        datetime(2026, 11, 23, 11, 10, tzinfo=UTC),
        "Harbour Road",
        Risk.HIGH,
    )
    assert (form.camera_ids, form.starts_at, form.ends_at, form.lifetime) == (("cam-000", "cam-003"), None, None, None)
    assert form.urgent
    assert [(photo.data, photo.source, photo.taken_on) for photo in photos] == [
        (b"\xff\xd8\xff\xd9", "Mother", date(2026, 10, 3))
    ]


def test_the_receipt_is_given_before_the_search_begins(console: Console) -> None:
    page = client(console, OFFICER).post("/ask/missing-person", data=MISSING, files=PHOTO)
    assert REFERENCE in page.text
    assert SECRET in page.text
    assert f'action="/requests/{URGENT}/start"' in page.text
    assert "有人以此編號申請尋找您" in page.text
    assert console.cases.done == []
    assert page.headers["cache-control"] == "no-store"
    # The secret is text and a drawing: in no address, so in no log.
    assert not re.search(rf'(?:href|action|src|hx-get)="[^"]*{SECRET}', page.text)


@pytest.mark.parametrize("kind", ["missing-person", "subject-access", "incident"])
def test_each_form_that_is_opened_is_one_of_its_own(console: Console, kind: str) -> None:
    opened = [client(console, OFFICER).get(f"/ask/{kind}").text for _ in range(2)]
    assert len({once_of(page) for page in opened}) == 2


def test_a_form_that_is_sent_again_leads_to_what_it_made(console: Console) -> None:
    form = MISSING | {"once": once_of(client(console, OFFICER).get("/ask/missing-person").text)}
    client(console, OFFICER).post("/ask/missing-person", data=form, files=PHOTO)
    again = client(console, OFFICER).post("/ask/missing-person", data=form, files=PHOTO)
    assert again.headers["location"] == f"/requests/{URGENT}?done=sent"
    assert len(console.cases.asked) == 1
    assert "Nothing was sent twice" in client(console, OFFICER).get(again.headers["location"]).text


def test_a_form_that_comes_back_is_still_the_same_one(console: Console) -> None:
    form = MISSING | {"once": once_of(client(console, OFFICER).get("/ask/missing-person").text), "reason": ""}
    page = client(console, OFFICER).post("/ask/missing-person", data=form, files=PHOTO)
    assert once_of(page.text) == form["once"]


@pytest.mark.parametrize("once", ["", "1181", "x" * 36])
def test_what_tells_no_form_from_another_is_passed_over(console: Console, once: str) -> None:
    for _ in range(2):
        page = client(console, OFFICER).post("/ask/missing-person", data=MISSING | {"once": once}, files=PHOTO)
        assert page.status_code == HTTPStatus.OK
    assert len(console.cases.asked) == 2


def once_of(page: str) -> str:
    (once,) = re.findall(r'name="once" value="([0-9a-f-]{36})"', page)
    return str(once)


def test_ones_own_footage_is_asked_for(console: Console) -> None:
    client(console, OFFICER).post("/ask/subject-access", data=OWN_FOOTAGE, files=PHOTO)
    [(form, photos)] = console.cases.asked
    assert form.details == SubjectAccessDetails(IdentityCheck.DOCUMENT_IN_PERSON, "Passport")
    assert form.ends_at == datetime(2026, 11, 20, 4, tzinfo=UTC)
    assert (form.urgent, len(photos)) == (False, 1)


def test_a_representative_says_by_what_right(console: Console) -> None:
    asked = {**OWN_FOOTAGE, "details.representative": "yes"}
    page = client(console, OFFICER).post("/ask/subject-access", data=asked, files=PHOTO)
    assert page.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert 'href="#field-details.authority"' in page.text


def test_an_incident_takes_no_photo(console: Console) -> None:
    blank = client(console, OFFICER).get("/ask/incident")
    assert 'type="file"' not in blank.text
    client(console, OFFICER).post("/ask/incident", data=BURGLARY, files=PHOTO)
    [(form, photos)] = console.cases.asked
    assert (form.details, form.lifetime) == (IncidentDetails("Burglary"), timedelta(hours=12))
    assert photos == []


@pytest.mark.parametrize("field", sorted(set(MISSING) - {"urgent", "camera_ids"}))
def test_what_is_missing_is_named_and_the_rest_kept(console: Console, field: str) -> None:
    asked = {name: value for name, value in MISSING.items() if name != field}
    page = client(console, OFFICER).post("/ask/missing-person", data=asked, files=PHOTO)
    assert page.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert console.cases.asked == []
    assert f'<a href="#field-{field}">' in page.text
    assert f'id="field-{field}"' in page.text
    assert re.search(rf'aria-describedby="[^"]*error-{re.escape(field)}"', page.text)
    assert 'value="cam-003" checked' in page.text
    assert page.text.count("data-focus") == 1


def test_a_photo_is_missing(console: Console) -> None:
    page = client(console, OFFICER).post("/ask/missing-person", data=MISSING)
    assert page.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert 'href="#field-photos"' in page.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("details.last_seen_at", "yesterday"),
        ("details.last_seen_at", "0001-01-01T00:00"),
        ("starts_at", "2026-13-01T00:00"),
        ("lifetime", "-1"),
        ("lifetime", "two"),
        ("lifetime", "²"),
        ("photos.0.taken_on", "03.10.2026"),
        ("details.risk", "enormous"),
    ],
)
def test_what_is_malformed_comes_back(console: Console, field: str, value: str) -> None:
    page = client(console, OFFICER).post("/ask/missing-person", data={**MISSING, field: value}, files=PHOTO)
    assert page.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert f'<a href="#field-{field}">' in page.text
    assert console.cases.asked == []


def test_what_the_use_case_refuses_stands_at_its_field_in_the_pages_language(console: Console) -> None:
    reason = Sentence("the window is longer than {hours} hours", {"hours": 144})
    console.cases.refusal = InvalidError("window", reason, "starts_at")
    english = client(console, OFFICER).post("/ask/missing-person", data=MISSING, files=PHOTO)
    assert english.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "the window is longer than 144 hours" in english.text
    chinese = client(console, OFFICER).post(
        "/ask/missing-person", data=MISSING, files=PHOTO, headers={"Accept-Language": "zh-TW"}
    )
    assert "時間範圍超過 144 小時" in chinese.text


def test_what_somebody_typed_is_text(console: Console) -> None:
    asked = {**MISSING, "reason": '"><script>alert(1)</script>', "details.risk": ""}
    page = client(console, OFFICER).post("/ask/missing-person", data=asked, files=PHOTO)
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;" in page.text


@pytest.mark.parametrize("path", ["/ask", "/ask/missing-person"])
@pytest.mark.parametrize("who", [REVIEWER, AUDITOR, OPERATOR], ids=lambda one: one.name)
def test_only_a_requester_asks(console: Console, path: str, who: Principal) -> None:
    assert client(console, who).get(path).status_code == HTTPStatus.FORBIDDEN
    assert client(console, who).post("/ask/incident", data=BURGLARY).status_code == HTTPStatus.FORBIDDEN
    assert console.cases.asked == []


def test_an_unknown_form_is_not_found(console: Console) -> None:
    assert client(console, OFFICER).get("/ask/gallery").status_code == HTTPStatus.NOT_FOUND


def test_the_first_page_shows_each_role_its_work(console: Console) -> None:
    officer = client(console, OFFICER).get("/").text
    assert "Somebody is missing" in officer
    assert "Waits for your decision" not in officer
    supervisor = client(console, SUPERVISOR).get("/").text
    assert supervisor.index("M-2026-1181") < supervisor.index("M-2026-1180")
    auditor = client(console, AUDITOR).get("/").text
    assert 'href="/audit"' in auditor
    assert "M-2026" not in auditor
    assert "M-2026" not in client(console, OPERATOR).get("/").text


def test_the_list_is_filtered_by_its_address(console: Console) -> None:
    signed_in = client(console, SUPERVISOR)
    assert "M-2026-1102" not in signed_in.get("/requests").text
    ended = signed_in.get("/requests?show=ended").text
    assert "M-2026-1102" in ended
    assert "M-2026-1181" not in ended
    assert "I-2026-0977" in signed_in.get("/requests?show=all&purpose=incident").text
    assert "Nothing here" in signed_in.get("/requests?show=all&mine=yes").text
    assert "I-2026-0977" in signed_in.get("/requests?show=%27%3E&purpose=x&mine=perhaps").text


def test_a_request_page_says_it_in_plain_words_and_shows_the_clock(console: Console) -> None:
    page = client(console, SUPERVISOR).get(f"/requests/{URGENT}").text
    assert "On 12 cameras, in recordings since <time" in page
    assert 'data-until="' in page
    assert "Lin Mei-hua" in page
    assert "2026-11-23 12:00:00 UTC" not in page
    assert 'title="' in page
    assert f'action="/requests/{URGENT}/approve"' in page


def test_who_may_do_nothing_sees_no_form(console: Console) -> None:
    for path in (f"/requests/{REFUSED}", f"/requests/{WAITING}"):
        page = client(console, AUDITOR).get(path).text
        assert f'action="{path}' not in page
    own = client(console, OFFICER).get(f"/requests/{WAITING}").text
    assert f'action="/requests/{WAITING}/approve"' not in own
    assert f'action="/requests/{WAITING}/stop"' in own


def test_the_statutory_day_is_shown(console: Console) -> None:
    page = client(console, SUPERVISOR).get(f"/requests/{OWN}").text
    assert "Answer due" in page
    assert "in 28 days" in page or "in 4 weeks" in page


def test_an_approver_agrees(console: Console) -> None:
    answer = client(console, SUPERVISOR).post(f"/requests/{URGENT}/approve", data={"approve_reason": "A child."})
    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert console.cases.done == [("approve", "Chen Wei", URGENT, Approval("A child."))]
    assert "You have approved it." in client(console, SUPERVISOR).get(answer.headers["location"]).text


def test_an_approver_agrees_to_less(console: Console) -> None:
    less = {
        "approve_reason": "Only the harbour.",
        "less": "yes",
        "camera_ids": ["cam-001"],
        "starts_at": "2026-11-23T19:30",
        "ends_at": "",
        "lifetime": "6",
        "redacted": "yes",
    }
    client(console, SUPERVISOR).post(f"/requests/{URGENT}/approve", data=less)
    [(*_, approval)] = console.cases.done
    assert approval == Approval(
        "Only the harbour.",
        ("cam-001",),
        datetime(2026, 11, 23, 11, 30, tzinfo=UTC),
        None,
        timedelta(hours=6),
        redacted=True,
    )


def test_what_stands_below_counts_only_when_it_is_ticked(console: Console) -> None:
    data = {"approve_reason": "A child.", "camera_ids": ["cam-001"], "lifetime": "6"}
    client(console, SUPERVISOR).post(f"/requests/{URGENT}/approve", data=data)
    [(*_, approval)] = console.cases.done
    assert approval == Approval("A child.")


def test_more_than_an_approvers_rank_opens_is_said_beside_the_form(console: Console) -> None:
    page = client(console, SUPERVISOR).get(f"/requests/{INCIDENT}").text
    assert "All of it needs the rank of commander." in page


@pytest.mark.parametrize("deed", ["approve", "refuse"])
def test_a_decision_has_a_reason(console: Console, deed: str) -> None:
    page = client(console, SUPERVISOR).post(f"/requests/{URGENT}/{deed}", data={f"{deed}_reason": "  "})
    assert page.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert f'href="#field-{deed}_reason"' in page.text
    assert console.cases.done == []


def test_a_reason_that_the_use_case_refuses_comes_back_at_its_field(console: Console) -> None:
    console.cases.refusal = InvalidError("too_short", "this is missing", "reason")
    page = client(console, SUPERVISOR).post(f"/requests/{URGENT}/refuse", data={"refuse_reason": "no"})
    assert 'href="#field-refuse_reason"' in page.text
    assert ">no</textarea>" in page.text


def test_a_change_meanwhile_is_a_page(console: Console) -> None:
    console.cases.refusal = ConflictError("state", "it has ended")
    page = client(console, SUPERVISOR).post(f"/requests/{URGENT}/approve", data={"approve_reason": "A child."})
    assert page.status_code == HTTPStatus.CONFLICT
    assert "Something changed meanwhile" in page.text


def test_stop_is_one_click(console: Console) -> None:
    answer = client(console, OFFICER).post(f"/requests/{URGENT}/stop", data={"found": "no"})
    assert answer.headers["location"] == f"/requests/{URGENT}?done=stop"
    client(console, OFFICER).post(f"/requests/{URGENT}/stop", data={"found": "yes", "stop_reason": "At her aunt's."})
    assert console.cases.done == [
        ("stop", "Lin Mei-hua", URGENT, "It is no longer needed", False),
        ("stop", "Lin Mei-hua", URGENT, "At her aunt's.", True),
    ]


def test_a_photo_is_never_kept_by_a_browser(console: Console) -> None:
    picture = client(console, SUPERVISOR).get(f"/requests/{URGENT}/photos/0")
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.headers["cache-control"] == "no-store"
    assert console.cases.done == [("photo", "Chen Wei", URGENT, 0)]


def test_an_unknown_request_is_not_found(console: Console) -> None:
    signed_in = client(console, SUPERVISOR)
    assert signed_in.get("/requests/nothing").status_code == HTTPStatus.NOT_FOUND
    assert signed_in.post("/requests/nothing/start").status_code == HTTPStatus.NOT_FOUND


def test_the_policy_is_shown_to_everybody_who_signs_in(console: Console) -> None:
    for who in (OFFICER, AUDITOR, OPERATOR):
        page = client(console, who).get("/policy")
        assert page.status_code == HTTPStatus.OK
        assert "homeward-supervisors" in page.text
    assert client(console, None).get("/policy").headers["location"] == "/welcome?next=/policy"


def test_a_receipt_is_opened_without_signing_in_and_ended(console: Console) -> None:
    anybody = client(console, None)
    assert anybody.get("/receipt").status_code == HTTPStatus.OK
    keys = {"reference": f" {REFERENCE} ", "secret": SECRET}
    page = anybody.post("/receipt", data=keys)
    assert "Runs on one signature" in page.text
    assert "M-2026" not in page.text
    ended = anybody.post("/receipt/withdraw", data=keys)
    assert "You have ended it." in ended.text
    assert console.desk.state is RequestState.WITHDRAWN
    assert "End it now" not in ended.text
    again = anybody.post("/receipt/withdraw", data=keys)
    assert "Withdrawn" in again.text


@pytest.mark.parametrize("path", ["/receipt", "/receipt/withdraw"])
@pytest.mark.parametrize("keys", [{"reference": REFERENCE, "secret": "x"}, {"reference": "x", "secret": SECRET}, {}])
def test_a_wrong_receipt_has_one_answer(console: Console, path: str, keys: dict[str, str]) -> None:
    page = client(console, None).post(path, data=keys)
    assert page.status_code == HTTPStatus.NOT_FOUND
    assert "Reference and secret do not belong together." in page.text
    assert "Runs on one signature" not in page.text
    assert console.desk.state is RequestState.OPEN_URGENT
