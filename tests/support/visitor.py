"""Somebody with a browser in front of the console."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from playwright.sync_api import Browser, BrowserContext, Page

from homeward.shared.vision.jpeg import encode_jpeg
from support.authorisations import NOON

DESKTOP: Final = {"width": 1280, "height": 800}
PHONE: Final = {"width": 320, "height": 640}
"""The width to which WCAG 1.4.10 lets content reflow."""

_ALLOWED_TO_FAIL: Final = ("status of 404", "status of 422", "status of 403", "status of 409")


@dataclass
class Visitor:
    """One browser context. `troubles` are errors of pages: a script that failed, or a breach of the policy."""

    context: BrowserContext
    page: Page
    address: str
    troubles: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def sign_in(self, first_name: str) -> None:
        """Be one of the people of `access_console`; nobody for an empty name."""
        self.context.clear_cookies()
        if first_name:
            self.context.add_cookies([{"name": "person", "value": first_name, "url": self.address}])

    def go(self, path: str) -> None:
        """Open a page."""
        self.page.goto(self.address + path)

    def fill_in_somebody_missing(self) -> None:
        """Fill in the shortest form for somebody missing."""
        page = self.page
        photo = {"name": "girl.jpg", "mimeType": "image/jpeg", "buffer": jpeg()}
        page.set_input_files('input[name="photos.0.file"]', photo)  # type: ignore[arg-type]
        page.fill('input[name="photos.0.source"]', "Mother")
        page.fill('input[name="photos.0.taken_on"]', "2026-10-03")
        page.fill('input[name="details.last_seen_at"]', "2026-11-23T19:10")
        page.fill('input[name="details.last_seen_place"]', "Harbour Road")
        page.check('input[value="cam-000"]')
        page.select_option('select[name="details.relation"]', "parent")
        page.check('input[name="details.basis"][value="consent"]')
        page.fill('input[name="details.basis_note"]', "Her mother agreed")
        page.check('input[name="details.risk"][value="high"]')
        page.fill('input[name="case_reference"]', "M-2026-1181")
        page.fill('textarea[name="reason"]', "A girl of seven did not come home.")
        page.check('input[name="urgent"][value="yes"]')

    def send(self) -> None:
        """Send the page's form."""
        self.page.click("form.form button[type=submit].large")
        self.page.wait_for_load_state()


def visitor(
    browser: Browser, address: str, *, language: str = "en-GB", script: bool = True, init: str | None = None
) -> Visitor:
    """Return somebody whose browser asks for `language`; `init` is a script that every page is given before its own."""
    context = browser.new_context(
        locale=language, extra_http_headers={"Accept-Language": language}, java_script_enabled=script
    )
    if init is not None:
        context.add_init_script(init)
    page = context.new_page()
    if script:
        page.clock.install(time=NOON)
    made = Visitor(context, page, address)
    page.on("pageerror", lambda error: made.troubles.append(str(error)))
    page.on("console", lambda message: made.troubles.extend(_trouble(message.type, message.text)))
    page.on("request", lambda request: made.asked.append(request.url))
    return made


def jpeg() -> bytes:
    """Return a small picture."""
    return encode_jpeg(np.full((50, 40, 3), 130, dtype=np.uint8))


def _trouble(kind: str, text: str) -> list[str]:
    if kind not in {"error", "warning"} or any(one in text for one in _ALLOWED_TO_FAIL):
        return []
    return [text]
