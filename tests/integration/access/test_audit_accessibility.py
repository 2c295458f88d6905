"""The pages of the audit log and the transparency report by axe-core's rules of WCAG 2.2 AA."""

import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
import uvicorn
from playwright.sync_api import Browser

from homeward.shared.audit import ANONYMOUS, RECEIPT_HOLDER, Entry
from homeward.shared.authorisation import Purpose
from homeward.shared.ids import derived_id
from homewardapi.audit.v1 import audit_pb2
from homewardapi.audit.v1.audit_pb2 import AuditAction
from support.access_audit import AuditWorld
from support.access_audit_site import PERSON, audit_site
from support.access_console import AUDITOR, OFFICER
from support.axe import RULES, axe_source, violations
from support.visitor import DESKTOP, PHONE

pytestmark = pytest.mark.chromium


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    world = AuditWorld(tmp_path_factory.mktemp("audit"))
    for number in range(8):
        name, purpose = derived_id("test", number), Purpose.MISSING_PERSON.value
        for action in (audit_pb2.AUDIT_ACTION_REQUEST_SUBMITTED, audit_pb2.AUDIT_ACTION_SEARCH_STARTED):
            entry = Entry(action, OFFICER.official_id, request_id=name, purpose=purpose)
            world.audit.fold(world.clock.now() - timedelta(days=40), entry)
    actors = (AUDITOR.official_id, OFFICER.official_id, "homeward/matching", ANONYMOUS, RECEIPT_HOLDER)
    for number, action in enumerate(AuditAction.values()[1:]):
        outcome = audit_pb2.AUDIT_OUTCOME_DENIED if number % 5 == 0 else audit_pb2.AUDIT_OUTCOME_ALLOWED
        world.audit.record(
            Entry(action, actors[number % 5], outcome, request_id=derived_id("test", number), code="role")
        )
    listening = socket.create_server(("127.0.0.1", 0))
    app = audit_site(world, {"auditor": AUDITOR})
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < deadline, "the pages are not served"
        time.sleep(0.05)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(30)
    listening.close()


@pytest.mark.parametrize("language", ["en-GB", "zh-TW"])
@pytest.mark.parametrize("path", ["/audit", "/audit?outcome=denied", "/audit?actor=nobody", "/transparency"])
def test_a_page_breaks_no_rule(browser: Browser, address: str, path: str, language: str) -> None:
    context = browser.new_context(locale=language, extra_http_headers={PERSON: "auditor"})
    context.add_init_script(axe_source())
    page = context.new_page()
    page.goto(address + path)
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    found = []
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            result = page.evaluate("rules => axe.run({runOnly: rules, resultTypes: ['violations']})", list(RULES))
            found += [(size["width"], scheme, one) for one in violations(result)]
    assert not found, "\n".join(map(str, found))
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], "it does not reflow"
    context.close()


def test_a_record_leads_to_all_that_somebody_did(browser: Browser, address: str) -> None:
    context = browser.new_context(locale="en-GB", extra_http_headers={PERSON: "auditor"})
    page = context.new_page()
    page.goto(address + "/audit")
    page.click(f"text={OFFICER.name} >> nth=0")
    assert set(page.locator("tbody td:nth-child(3)").all_inner_texts()) == {OFFICER.name}
    page.locator("select[name=outcome]").select_option("denied")
    page.wait_for_url("**outcome=denied**")
    page.wait_for_function("document.querySelectorAll('tbody .chip-good').length === 0")
    copy = page.locator("#copy")
    assert "outcome=denied" in (copy.get_attribute("href") or "")
    assert "proofs" in copy.inner_text()
    context.close()
