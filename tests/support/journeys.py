"""Demo people in front of the console of a running Homeward, each with a browser of their own."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from playwright.sync_api import Browser, Page, expect

PATIENCE_S: Final = 60.0
_REFUSALS: Final = ("status of 403", "status of 404", "status of 409", "status of 422")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the paper says, and the request that it is for."""

    request_id: str
    reference: str
    secret: str


@dataclass(frozen=True, slots=True)
class Footage:
    """Cameras and a window, as whoever asks knows them."""

    cameras: Sequence[str]
    starts_at: datetime
    ends_at: datetime


@dataclass
class Person:
    """One of the demo's people at the console, or the public. `troubles` are errors that a page's console was told."""

    page: Page
    address: str
    troubles: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Open a page."""
        self.page.goto(self.address + path)

    def sign_in(self, subject: str) -> None:
        """Go from the welcome page to the provider, and click on who one is."""
        self.go("/")
        self.page.click(".welcome a.primary")
        self.page.click(f'button[name="person"][value="{subject}"]')
        expect(self.page).to_have_url(f"{self.address}/")

    def ask_for_missing(self, photo: bytes, footage: Footage, *, case: str, urgent: bool) -> Receipt:
        """Fill in and send the form for somebody missing; return the receipt, whose page stays open."""
        page = self.page
        self.go("/")
        page.click("a.door-first")
        self._attach(photo, "Mother")
        page.fill('input[name="details.last_seen_at"]', _minute(footage.starts_at))
        page.fill('input[name="details.last_seen_place"]', "Bus stop on Harbour Road")
        self._tick(footage.cameras)
        page.select_option('select[name="details.relation"]', "parent")
        page.check('input[name="details.basis"][value="best_interest"]')
        page.fill('input[name="details.basis_note"]', "She cannot be asked, and the night is cold")
        page.check('input[name="details.risk"][value="high"]')
        self._case(case, "She did not come home from work, and her phone is off.")
        page.check(f'input[name="urgent"][value="{"yes" if urgent else "no"}"]')
        return self.send()

    def ask_for_own_footage(self, photo: bytes, footage: Footage, *, case: str) -> Receipt:
        """Fill in and send the form for somebody's own footage."""
        page = self.page
        self.go("/ask/subject-access")
        page.check('input[name="details.identity_check"][value="document_in_person"]')
        page.fill('input[name="details.identity_note"]', "A passport, seen at the desk")
        page.check('input[name="details.representative"][value="no"]')
        self._attach(photo, "The person")
        self._window(footage)
        self._case(case, "She wants what shows her on her way through the hall.")
        return self.send()

    def fill_in_incident(self, footage: Footage, *, case: str) -> Receipt:
        """Fill in and send the open form for an incident, which takes no photo."""
        self.page.fill('input[name="details.event"]', "A bicycle was stolen")
        self._window(footage)
        self._case(case, "To see who was at the stand between the two times.")
        return self.send()

    def send(self) -> Receipt:
        """Send the form of the page, and read the receipt that comes."""
        self.page.click("form.form button[type=submit].large")
        keys = self.page.locator(".receipt-keys dd")
        expect(keys).to_have_count(3)
        # By script the address is already that of the request, where a reload leads.
        expect(self.page).to_have_url(re.compile(r"/requests/[0-9a-f-]{36}$"))
        request_id = self.page.url.rsplit("/", 1)[1]
        return Receipt(request_id, keys.nth(0).inner_text(), keys.nth(1).inner_text())

    def approve(self, request_id: str, reason: str) -> None:
        """Agree to a request."""
        self.go(f"/requests/{request_id}")
        self.page.fill('textarea[name="approve_reason"]', reason)
        self.page.click("section.decide button.primary")
        expect(self.page.locator("[role=status] .notice")).to_contain_text("You have approved it")

    def sees_state(self, request_id: str, words: str) -> None:
        """Assert what the page of a request says of its state."""
        self.go(f"/requests/{request_id}")
        expect(self.page.locator(".head-row .chip")).to_have_text(words)

    def wait_for(self, path: str, selector: str, patience_s: float = PATIENCE_S) -> None:
        """Load a page anew until it shows `selector`."""
        for _ in range(int(patience_s)):
            self.go(path)
            if self.page.locator(selector).count():
                return
            self.page.wait_for_timeout(1000)
        raise AssertionError(f"{path} did not show {selector} within {patience_s:g} s")

    def answer_all(self, request_id: str, answer: str) -> int:
        """Answer whatever waits for this reviewer, best first; return how many sightings that were."""
        self.wait_for(f"/review/searches/{request_id}", f'a[href="/review/searches/{request_id}/next"]')
        self.page.click("p.actions a.primary")
        given = 0
        while self.page.url.startswith(f"{self.address}/review/sightings/"):
            expect(self.page.locator(".face img")).not_to_have_count(0)
            before = self.page.url
            self.page.click(f'button[value="{answer}"]')
            self.page.wait_for_url(lambda url, before=before: url != before)  # type: ignore[misc]
            given += 1
        return given

    def look_at_receipt(self, receipt: Receipt) -> None:
        """Open a receipt by what stands on the paper."""
        self.go("/receipt")
        self.page.fill('input[name="reference"]', receipt.reference)
        self.page.fill('input[name="secret"]', receipt.secret)
        self.page.click("form[data-receipt] button")
        expect(self.page.locator("h2#state")).to_be_visible()

    def _attach(self, photo: bytes, source: str) -> None:
        upload = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": photo}
        self.page.set_input_files('input[name="photos.0.file"]', upload)  # type: ignore[arg-type]
        self.page.fill('input[name="photos.0.source"]', source)
        self.page.fill('input[name="photos.0.taken_on"]', "2026-10-03")

    def _window(self, footage: Footage) -> None:
        self.page.fill('input[name="starts_at"]', _minute(footage.starts_at))
        self.page.fill('input[name="ends_at"]', _minute(footage.ends_at + timedelta(minutes=1)))
        self._tick(footage.cameras)

    def _tick(self, cameras: Sequence[str]) -> None:
        for camera_id in cameras:
            self.page.check(f'input[name="camera_ids"][value="{camera_id}"]')

    def _case(self, case: str, reason: str) -> None:
        self.page.fill('input[name="case_reference"]', case)
        self.page.fill('textarea[name="reason"]', reason)


def somebody(browser: Browser, address: str, subject: str = "") -> Person:
    """Return somebody with a browser of their own, signed in as `subject` of the demo; nobody for an empty one."""
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 860})
    page = context.new_page()
    made = Person(page, address)
    page.on("pageerror", lambda error: made.troubles.append(str(error)))
    page.on("console", lambda message: made.troubles.extend(_trouble(message.type, message.text)))
    if subject:
        made.sign_in(subject)
    return made


def _trouble(kind: str, text: str) -> list[str]:
    if kind not in {"error", "warning"} or any(one in text for one in _REFUSALS):
        return []
    return [text]


def _minute(instant: datetime) -> str:
    """Return a time as the field of a form takes it: the demo's site is in UTC."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")
