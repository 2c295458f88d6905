import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from homeward.access.footage.plan import SitePlan
from homeward.access.people.principal import Principal, Role
from homeward.access.review.verdict import Answer
from homeward.access.web.app import build_app
from homeward.access.web.console.assets import Assets
from homeward.access.web.console.pages import Pages
from homeward.access.web.console.ports import CameraChoice
from homeward.access.web.console.review import review_pages
from homeward.access.web.console.sightings import Places, figures, timeline
from homeward.access.web.console.translations import Languages
from homeward.access.web.gate import Gate
from homewardapi.audit.v1 import audit_pb2
from support.access_review import APPROVER, REQUEST, REQUESTER, ReviewWorld, planned, reviewer, sighting
from support.access_world import NOON, principal

ADA, BEN, CYD = (reviewer(name) for name in ("ada", "ben", "cyd"))
PLAN = SitePlan(b"\x89PNG\r\n\x1a\n", "image/png", {"gate": (0.25, 0.5)})


class Cameras:
    def choices(self) -> Sequence[CameraChoice]:
        return [CameraChoice("gate", "South gate"), CameraChoice("hall", "Ticket hall")]


@dataclass
class Door:
    who: Principal | None = ADA

    def authenticate(self, request: Request) -> Principal | None:
        del request
        return self.who


@dataclass
class Console:
    world: ReviewWorld = field(default_factory=ReviewWorld)
    door: Door = field(default_factory=Door)
    plan: SitePlan | None = None

    def __post_init__(self) -> None:
        self.world.opened()
        gate = Gate(self.door, self.world.audit)
        assets, languages = Assets(), Languages()
        pages = Pages(assets, languages, ZoneInfo("Asia/Taipei"), self.world.clock, lambda _: "the-token")
        routers = [assets.router(), review_pages(self.world.review, Cameras(), self.plan, pages, gate)]
        self.app: FastAPI = build_app(routers, page=pages.error)
        headers = {"Accept": "text/html"}
        self.client = TestClient(self.app, headers=headers, follow_redirects=False, raise_server_exceptions=False)

    def page(self, path: str, who: Principal | None = None) -> str:
        self.door.who = who or self.door.who
        answer = self.client.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        assert answer.headers["cache-control"] == "no-store"
        return answer.text

    def answers(self, who: Principal, sighting_id: str, answer: str) -> str:
        self.door.who = who
        given = self.client.post(f"/review/sightings/{sighting_id}/answer", data={"answer": answer})
        assert given.status_code == 303
        return given.headers["location"]


@pytest.fixture
def console() -> Console:
    return Console()


def test_without_script_a_reviewer_goes_from_the_best_to_the_last(console: Console) -> None:
    best, second = (console.world.sighted(sighting(number, likelihood_ratio=900.0 / (1 + number))) for number in (0, 1))
    assert f"/review/searches/{REQUEST}/next" in console.page("/review")
    assert console.client.get(f"/review/searches/{REQUEST}/next").headers["location"] == f"/review/sightings/{best}"
    page = console.page(f"/review/sightings/{best}")
    assert '<input type="hidden" name="csrf" value="the-token">' in page
    assert re.findall(r'name="answer" value="(\w+)"', page) == ["yes", "no", "unsure"]
    assert console.answers(ADA, best, "yes") == f"/review/sightings/{second}"
    assert console.answers(ADA, second, "no") == f"/review/searches/{REQUEST}?done=yes"
    assert "You have answered everything" in console.page(f"/review/searches/{REQUEST}?done=yes")


def test_the_page_of_a_sighting_shows_face_beside_face_and_what_it_is_worth(console: Console) -> None:
    sighting_id = console.world.sighted(sighting(likelihood_ratio=1234.0))
    page = console.page(f"/review/sightings/{sighting_id}")
    pictures = re.findall(r'<img src="(/api/v1/review/[^"]+)"', page)
    at = f"/api/v1/review/sightings/{sighting_id}/pictures"
    photo = f"/api/v1/review/searches/{REQUEST}/photos/0"
    assert pictures == [photo, f"{at}/0", f"{at}/0", f"{at}/1", f"{at}/2"]
    for told in ("South gate", "64 px", "strong support", "1,200 times likelier", "One stranger in 5,000"):
        assert told in page


@pytest.mark.parametrize("others", [[Answer.YES], [Answer.NO], [Answer.UNSURE], [Answer.YES, Answer.NO]])
def test_no_page_differs_by_what_others_said(console: Console, others: list[Answer]) -> None:
    sighting_id = console.world.sighted(sighting())
    paths = ("/review", f"/review/searches/{REQUEST}", f"/review/sightings/{sighting_id}")
    before = [console.page(path, CYD) for path in paths]
    for who, answer in zip((ADA, BEN), others, strict=False):
        console.world.review.answering.answer(who, sighting_id, answer)
    assert [console.page(path, CYD) for path in paths] == before


def test_an_answer_that_comes_too_late_says_so(console: Console) -> None:
    sighting_id = console.world.sighted(sighting())
    console.answers(ADA, sighting_id, "yes")
    console.answers(BEN, sighting_id, "no")
    onward = console.answers(ADA, sighting_id, "no")
    assert onward == f"/review/sightings/{sighting_id}?conflict=answered"
    page = console.page(onward)
    assert "Your answer was not taken" in page
    assert "Answers differ" in page


def test_an_ended_search_shows_times_and_no_picture(console: Console) -> None:
    sighting_id = console.world.sighted(sighting())
    console.world.ends()
    for path in (f"/review/searches/{REQUEST}", f"/review/sightings/{sighting_id}"):
        page = console.page(path)
        assert "This search has ended" in page
        assert "<img" not in page
        assert 'name="answer"' not in page
        assert "data-follow" not in page
    assert console.client.get(f"/review/searches/{REQUEST}/next").headers["location"].endswith("?done=yes")
    assert console.answers(ADA, sighting_id, "yes").endswith("?conflict=ended")


def test_officials_see_confirmed_sightings_alone(console: Console) -> None:
    confirmed, other = console.world.sighted(sighting(0)), console.world.sighted(sighting(1, camera_id="hall"))
    for who in (ADA, BEN):
        console.world.review.answering.answer(who, confirmed, Answer.YES)
    for official in (REQUESTER, APPROVER):
        page = console.page(f"/requests/{REQUEST}/sightings", official)
        assert "South gate" in page
        assert f"/api/v1/review/sightings/{confirmed}/confirmed/0" in page
        assert "Ticket hall" not in page
        assert other not in page


def test_the_list_that_is_fetched_anew_is_the_pages_own(console: Console) -> None:
    console.world.folding.handle(planned(3))
    console.world.sighted(sighting())
    part = console.page(f"/review/searches/{REQUEST}/list")
    assert part.strip().startswith('<div id="news"')
    assert part.strip() in console.page(f"/review/searches/{REQUEST}")


def test_the_plan_shows_how_often_where(console: Console) -> None:
    planned_console = Console(console.world, plan=PLAN)
    for number in range(3):
        planned_console.world.sighted(sighting(number))
    page = planned_console.page(f"/review/searches/{REQUEST}")
    assert '<image href="/cameras/plan"' in page
    assert re.search(r'class="plan-count" x="250.0" y="500.0">3<', page)


def test_every_look_is_recorded(console: Console) -> None:
    sighting_id = console.world.sighted(sighting())
    console.page(f"/review/sightings/{sighting_id}")
    told = [(entry.action, entry.sighting_id) for entry in console.world.audit.entries]
    assert (audit_pb2.AUDIT_ACTION_SIGHTING_VIEWED, sighting_id) in told
    console.world.audit.away = True
    for path in ("/review", f"/review/searches/{REQUEST}", f"/review/sightings/{sighting_id}"):
        assert console.client.get(path).status_code == 503


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.REVIEWER])
def test_nobody_else_has_these_pages(console: Console, role: Role) -> None:
    sighting_id = console.world.sighted(sighting())
    console.door.who = principal(role, name="another")
    for path in ("/review", f"/review/searches/{REQUEST}", f"/review/sightings/{sighting_id}"):
        assert console.client.get(path).status_code == 403
    given = console.client.post(f"/review/sightings/{sighting_id}/answer", data={"answer": "yes"})
    assert given.status_code == 403
    assert console.client.get(f"/requests/{REQUEST}/sightings").status_code in {403, 404}


def test_pages_hold_no_inline_script_or_style_and_lead_nowhere_else(console: Console) -> None:
    sighting_id = console.world.sighted(sighting())
    for path in ("/review", f"/review/searches/{REQUEST}", f"/review/sightings/{sighting_id}"):
        page = console.page(path)
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", page)
        assert not re.search(r'(?:src|href|action)="(?!/|#|blob:)', page)
        assert "download" not in page


def test_the_line_of_time_holds_every_sighting_within_it(console: Console) -> None:
    for number, camera in enumerate(("gate", "hall", "gate")):
        console.world.sighted(sighting(number, camera_id=camera, at=NOON - timedelta(hours=number)))
    views = console.world.review.review.sightings(ADA, REQUEST).sightings
    line = timeline(views, Places({}, {}))
    assert line is not None
    assert [track.camera_id for track in line.tracks] == ["gate", "hall"]
    for track in line.tracks:
        lefts = [mark.left for mark in track.marks]
        assert lefts == sorted(lefts)
        assert all(0 < mark.left < mark.left + mark.width < 1000 for mark in track.marks)
    assert timeline([], Places({}, {})) is None
    alone = timeline(views[:1], Places({}, {}))
    assert alone is not None
    assert alone.ends_at - alone.starts_at > timedelta(minutes=10)


@pytest.mark.parametrize(
    ("ratio", "told"), [(1234.0, "1,200"), (9999.9, "10,000"), (8.54, "8.5"), (0.031, "0.03"), (99.6, "100")]
)
def test_figures_are_as_round_as_they_are_sure(console: Console, ratio: float, told: str) -> None:
    console.world.sighted(sighting(likelihood_ratio=ratio))
    (view,) = console.world.review.review.sightings(ADA, REQUEST).sightings
    assert figures(view).times == told
