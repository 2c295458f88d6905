"""The whole of Homeward by way of its console: real browsers, real services, a real scene."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import pytest
from playwright.sync_api import Browser, expect

from homeward.access.settings import SHIPPED_POLICY
from homeward.shared.objectkeys import SUBJECTS_BUCKET, subject_prefix
from homeward.shared.topics import HOLDS
from homewardapi.hold.v1.hold_pb2 import HOLD_STATE_PLACED, Hold
from support.album import Album
from support.journeys import Footage, Person, Receipt, somebody
from support.scenes import reference_photo
from support.world import World, recorded_world

pytestmark = pytest.mark.chromium

URGENT: Final = timedelta(minutes=2)
WIPED_WITHIN_S: Final = 5.0


@dataclass
class City:
    """A running Homeward, and whoever comes to its console."""

    browser: Browser
    world: World
    album: Album
    people: list[Person] = field(default_factory=list)

    @property
    def footage(self) -> Footage:
        return Footage(sorted(self.world.scene.videos), self.world.starts_at, self.world.ends_at)

    @property
    def photo(self) -> bytes:
        """Of somebody who walked past every camera."""
        return reference_photo(self.world.people[0]).read_bytes()

    def comes(self, subject: str = "") -> Person:
        """Return one of the demo's people, signed in; or the public."""
        person = somebody(self.browser, self.world.pipeline.operator.context.console_url, subject)
        self.people.append(person)
        return person

    def photos_kept(self, receipt: Receipt) -> int:
        """Return how many reference photos of a request lie in the store."""
        store = self.world.pipeline.operator.store
        return len(list(store.list(SUBJECTS_BUCKET, subject_prefix(receipt.request_id))))


@pytest.fixture(scope="module")
def running_city(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    folder = tmp_path_factory.mktemp("city")
    policy = folder / "policy.toml"
    minutes = URGENT // timedelta(minutes=1)
    shipped = SHIPPED_POLICY.read_text()
    assert "urgent_minutes = 60" in shipped
    policy.write_text(shipped.replace("urgent_minutes = 60", f"urgent_minutes = {minutes}"))
    overrides = {"access": {"HOMEWARD_POLICY": str(policy)}}
    with recorded_world(folder, people=3, cameras=2, overrides=overrides) as world:
        yield City(browser, world, Album.of_environment())


@pytest.fixture
def city(running_city: City) -> Iterator[City]:
    """Let everybody leave after each test; no page may have had an error."""
    yield running_city
    troubles = [trouble for person in running_city.people for trouble in person.troubles]
    for person in running_city.people:
        person.page.context.close()
    running_city.people.clear()
    assert troubles == []


@pytest.fixture(scope="module", autouse=True)
def unsigned(running_city: City) -> Receipt:
    """An urgent search that nobody gives a second signature, begun first: its end is waited for last."""
    officer = running_city.comes("officer")
    receipt = officer.ask_for_missing(running_city.photo, running_city.footage, case="M-2026-0007", urgent=True)
    officer.page.click(".alarm button.primary")
    expect(officer.page.locator("[role=status] .notice")).to_contain_text("The search has begun")
    _eventually(lambda: running_city.photos_kept(receipt) == 1, 10, "no photo is kept for a search that runs")
    return receipt


def test_somebody_missing_is_asked_for_found_and_confirmed_by_two(city: City) -> None:
    officer = city.comes("officer")
    city.album.keep("home", officer.page)
    receipt = officer.ask_for_missing(city.photo, city.footage, case="M-2026-1181", urgent=True)
    city.album.keep("receipt", officer.page, hidden=".receipt-keys dd:nth-of-type(2), .receipt-code")
    assert city.photos_kept(receipt) == 0, "a photo left the request before anybody signed"
    officer.page.click(".alarm button.primary")
    expect(officer.page.locator("[role=status] .notice")).to_contain_text("The search has begun")
    officer.sees_state(receipt.request_id, "Runs on one signature")
    first, second = city.comes("reviewer-1"), city.comes("reviewer-2")
    first.wait_for("/review", f'a[href="/review/searches/{receipt.request_id}/next"]')
    supervisor = city.comes("supervisor")
    supervisor.go(f"/requests/{receipt.request_id}")
    expect(supervisor.page.locator(".alarm-clock")).to_be_visible()
    city.album.keep("request", supervisor.page)
    supervisor.approve(receipt.request_id, "A grown woman in danger, and her mother reports it.")
    supervisor.sees_state(receipt.request_id, "Runs")
    city.world.pipeline.operator.wait_searched(receipt.request_id, timedelta(seconds=60))
    first.page.click(f'a[href="/review/searches/{receipt.request_id}/next"]')
    city.album.keep("review", first.page, blurred="#main img")
    assert first.answer_all(receipt.request_id, "yes") >= 1
    officer.go(f"/requests/{receipt.request_id}/sightings")
    expect(officer.page.locator(".found-one")).to_have_count(0)
    assert second.answer_all(receipt.request_id, "yes") >= 1
    officer.wait_for(f"/requests/{receipt.request_id}/sightings", ".found-one img")
    city.album.keep("found", officer.page, blurred="#main img")
    officer.go(f"/requests/{receipt.request_id}")
    officer.page.click('.stop button[name="found"][value="yes"]')
    officer.sees_state(receipt.request_id, "Done")
    _eventually(lambda: city.photos_kept(receipt) == 0, WIPED_WITHIN_S, "a photo outlived its search")


def test_a_request_is_refused_with_a_reason(city: City) -> None:
    officer, supervisor = city.comes("officer"), city.comes("supervisor")
    receipt = officer.ask_for_missing(city.photo, city.footage, case="M-2026-1182", urgent=False)
    supervisor.go(f"/requests/{receipt.request_id}")
    supervisor.page.click("section.decide button.danger")
    # The browser itself asks for a reason; nothing was sent.
    expect(supervisor.page.locator('textarea[name="refuse_reason"]:invalid')).to_have_count(1)
    supervisor.page.fill('textarea[name="refuse_reason"]', "He is at his sister's, and answers the telephone.")
    supervisor.page.click("section.decide button.danger")
    officer.sees_state(receipt.request_id, "Refused")
    expect(officer.page.locator(".course-refused")).to_contain_text("He is at his sister's")
    assert city.photos_kept(receipt) == 0
    supervisor.go(f"/requests/{receipt.request_id}/photos/0")
    assert supervisor.page.locator("img").count() == 0


def test_footage_asked_for_by_whom_it_shows_is_held_at_once(city: City) -> None:
    officer = city.comes("officer")
    receipt = officer.ask_for_own_footage(city.photo, city.footage, case="SAR-2026-31")
    log = city.world.pipeline.operator.log

    def held() -> bool:
        holds = [event.message for event in log.state(HOLDS).values() if isinstance(event.message, Hold)]
        return [sorted(one.camera_ids) for one in holds if one.state == HOLD_STATE_PLACED] == [city.footage.cameras]

    _eventually(held, 10, "no hold was placed")
    officer.sees_state(receipt.request_id, "Waits for a decision")
    facts = officer.page.locator("aside dl.facts")
    expect(facts).to_contain_text("Answer due")
    expect(facts).to_contain_text("Footage kept until")
    public = city.comes()
    public.look_at_receipt(receipt)
    expect(public.page.locator("dl.facts")).to_contain_text("Answer due")
    assert city.photos_kept(receipt) == 0


def test_an_incident_opens_footage_and_cannot_search_a_face(city: City) -> None:
    officer, supervisor = city.comes("officer"), city.comes("supervisor")
    officer.go("/ask/incident")
    expect(officer.page.locator("input[type=file]")).to_have_count(0)
    # Somebody who adds one to the page by hand gains nothing.
    officer.page.evaluate(
        """() => {
            const input = document.createElement("input");
            Object.assign(input, {type: "file", name: "photos.0.file", id: "smuggled"});
            document.querySelector("form.form").append(input);
        }"""
    )
    upload = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": city.photo}
    officer.page.set_input_files("#smuggled", upload)  # type: ignore[arg-type]
    receipt = officer.fill_in_incident(city.footage, case="I-2026-88")
    before = city.world.pipeline.operator.templates_at_rest()
    supervisor.go(f"/requests/{receipt.request_id}")
    expect(supervisor.page.locator("[data-look]")).to_have_count(0)
    supervisor.approve(receipt.request_id, "The stand is seen by these cameras alone.")
    officer.sees_state(receipt.request_id, "Runs")
    expect(officer.page.locator(f'a[href="/requests/{receipt.request_id}/sightings"]')).to_have_count(0)
    reviewer = city.comes("reviewer-1")
    reviewer.go(f"/review/searches/{receipt.request_id}")
    expect(reviewer.page.locator("h1")).not_to_contain_text("I-2026-88")
    assert city.photos_kept(receipt) == 0
    assert city.world.pipeline.operator.templates_at_rest() <= before


def test_whom_it_serves_ends_a_search_by_the_receipt(city: City) -> None:
    officer, supervisor, public = city.comes("officer"), city.comes("supervisor"), city.comes()
    receipt = officer.ask_for_missing(city.photo, city.footage, case="M-2026-1183", urgent=False)
    supervisor.approve(receipt.request_id, "His wife reports it, and he is ill.")
    _eventually(lambda: city.photos_kept(receipt) == 1, 10, "no photo is kept for a search that runs")
    operator = city.world.pipeline.operator
    operator.wait_searched(receipt.request_id, timedelta(seconds=60))
    templates = operator.templates_at_rest()
    assert templates >= 1
    public.look_at_receipt(receipt)
    expect(public.page.locator(".sheet .chip")).to_have_text("Runs")
    began = time.monotonic()
    public.page.click("form .danger")
    expect(public.page.locator("[role=status] .notice")).to_contain_text("You have ended it")
    left = WIPED_WITHIN_S - (time.monotonic() - began)
    _eventually(
        lambda: city.photos_kept(receipt) == 0 and operator.templates_at_rest() < templates,
        left,
        "a search that was withdrawn was not wiped in time",
    )
    officer.sees_state(receipt.request_id, "Withdrawn")


def test_what_was_done_stands_in_the_log_without_a_name(city: City, unsigned: Receipt) -> None:
    auditor, public = city.comes("auditor"), city.comes()
    auditor.wait_for("/audit", "tbody tr")
    city.album.keep("audit", auditor.page)
    auditor.go(f"/requests/{unsigned.request_id}/photos/0")
    assert auditor.page.locator("img").count() == 0
    public.go("/transparency")
    expect(public.page.locator("h1")).to_have_text("Transparency report")
    city.album.keep("transparency", public.page)


def test_without_a_second_signature_a_search_stops_itself_and_nothing_is_left(city: City, unsigned: Receipt) -> None:
    officer = city.comes("officer")
    officer.wait_for(
        f"/requests/{unsigned.request_id}", '.head-row .chip:has-text("Ran out")', URGENT.total_seconds() + 15
    )
    _eventually(lambda: city.photos_kept(unsigned) == 0, WIPED_WITHIN_S, "a photo outlived its search")
    # Every other search of this file was ended by then.
    city.world.pipeline.operator.wait_templates(0, timedelta(seconds=WIPED_WITHIN_S))
    reviewer = city.comes("reviewer-1")
    reviewer.go(f"/review/searches/{unsigned.request_id}")
    expect(reviewer.page.locator(".face img")).to_have_count(0)
    officer.go("/ask/missing-person")
    city.album.keep("form", officer.page)


def _eventually(holds: Callable[[], bool], within_s: float, otherwise: str) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.1)
