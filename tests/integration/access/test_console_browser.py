"""The console in a browser: what scripts add, what needs none, and that no secret ever stands in an address."""

import re
import time

import pytest
from playwright.sync_api import Browser, expect

from homeward.access.cases.model import Approval, RequestState
from support.access_console import REFERENCE, SECRET, URGENT, Console
from support.visitor import PHONE, Visitor, visitor

pytestmark = pytest.mark.chromium


@pytest.fixture
def guest(browser: Browser, console_site: tuple[Console, str]) -> Visitor:
    return visitor(browser, console_site[1])


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def either(request: pytest.FixtureRequest, browser: Browser, console_site: tuple[Console, str]) -> Visitor:
    return visitor(browser, console_site[1], script=request.param)


def test_an_urgent_search_is_asked_for_begun_and_agreed_to(either: Visitor, console_site: tuple[Console, str]) -> None:
    either.sign_in("Lin")
    either.go("/")
    either.page.click("a.door-first")
    either.fill_in_somebody_missing()
    either.send()
    expect(either.page.locator(".receipt-keys")).to_contain_text(SECRET)
    either.page.click(".alarm button")
    assert either.page.url == f"{either.address}/requests/{URGENT}?done=start"
    either.sign_in("Chen")
    either.go(f"/requests/{URGENT}")
    either.page.fill('textarea[name="approve_reason"]', "A child, and the mother agreed.")
    either.page.click("section.decide button.primary")
    expect(either.page.locator("[role=status] .notice")).to_be_visible()
    either.page.click(".stop .danger")
    assert either.page.url.endswith("?done=stop")
    cases = console_site[0].cases
    assert [deed[:2] for deed in cases.done] == [
        ("start", "Lin Mei-hua"),
        ("approve", "Chen Wei"),
        ("stop", "Chen Wei"),
    ]
    assert cases.done[1][3] == Approval("A child, and the mother agreed.")
    [(form, photos)] = cases.asked
    assert (form.urgent, len(photos)) == (True, 1)
    assert either.troubles == []
    assert not [url for url in either.asked if SECRET in url]


def test_a_receipt_is_withdrawn(either: Visitor, console_site: tuple[Console, str]) -> None:
    either.go("/receipt")
    either.page.fill('input[name="reference"]', REFERENCE)
    either.page.fill('input[name="secret"]', SECRET)
    either.page.click("form[data-receipt] button")
    either.page.click("form .danger")
    either.page.wait_for_load_state()
    assert console_site[0].desk.state is RequestState.WITHDRAWN
    assert either.page.url == f"{either.address}/receipt/withdraw"
    assert not [url for url in either.asked if SECRET in url]


def test_the_code_on_a_receipt_fills_in_the_form_and_leaves_the_address(guest: Visitor) -> None:
    guest.go(f"/receipt#{REFERENCE}.{SECRET}")
    expect(guest.page.locator('input[name="secret"]')).to_have_value(SECRET)
    expect(guest.page.locator('input[name="reference"]')).to_have_value(REFERENCE)
    assert guest.page.url == f"{guest.address}/receipt"
    assert not [url for url in guest.asked if SECRET in url]
    guest.page.keyboard.press("Enter")
    expect(guest.page.locator("h2#state")).to_be_visible()


def test_a_receipt_that_was_given_is_not_sent_again_by_a_reload(
    guest: Visitor, console_site: tuple[Console, str]
) -> None:
    guest.sign_in("Lin")
    guest.go("/ask/missing-person")
    guest.fill_in_somebody_missing()
    guest.send()
    assert guest.page.url == f"{guest.address}/requests/{URGENT}"
    guest.page.reload()
    assert len(console_site[0].cases.asked) == 1
    assert SECRET not in guest.page.content()


def test_a_photo_is_shown_before_it_is_sent_and_goes_nowhere(guest: Visitor) -> None:
    guest.sign_in("Lin")
    guest.go("/ask/missing-person")
    before = len(guest.asked)
    guest.fill_in_somebody_missing()
    picture = guest.page.locator(".photo-frame img").first
    expect(picture).to_be_visible()
    guest.page.wait_for_function("document.querySelector('.photo-frame img').naturalWidth === 40")
    assert [url for url in guest.asked[before:] if not url.startswith("blob:") and "/static/" not in url] == []
    assert guest.troubles == []


def test_cameras_are_narrowed_ticked_and_counted(guest: Visitor, console_site: tuple[Console, str]) -> None:
    guest.sign_in("Lin")
    guest.go("/ask/incident")
    guest.page.fill("[data-picker-words]", "harbour")
    shown = guest.page.locator(".picker-camera:visible")
    expect(shown).to_have_count(8)
    guest.page.click("[data-picker-all]")
    expect(guest.page.locator("[data-picker-count]")).to_have_text("8 ticked")
    guest.page.fill("[data-picker-words]", "atlantis")
    expect(guest.page.locator("[data-picker-nothing]")).to_be_visible()
    guest.page.keyboard.press("Enter")
    assert console_site[0].cases.asked == []
    guest.page.fill("[data-picker-words]", "")
    guest.page.click("[data-picker-none]")
    expect(guest.page.locator("[data-picker-count]")).to_have_text("0 ticked")


def test_cameras_are_ticked_by_an_area_of_the_plan(guest: Visitor) -> None:
    guest.sign_in("Lin")
    guest.go("/ask/incident")
    plan = guest.page.locator("[data-picker-plan] svg")
    plan.scroll_into_view_if_needed()
    # The picture is twice as wide as high, and so is the plan once it is there.
    expect(plan).to_have_attribute("viewBox", "0 0 1000 500")
    guest.page.wait_for_function("document.querySelector('[data-picker-plan] svg').style.aspectRatio === '2 / 1'")
    box = plan.bounding_box()
    assert box is not None
    assert box["width"] / box["height"] == pytest.approx(2, abs=0.05)
    mouse = guest.page.mouse

    def point(x: float, y: float) -> tuple[float, float]:
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    mouse.move(*point(0.02, 0.05))
    mouse.down()
    mouse.move(*point(0.3, 0.3), steps=4)
    mouse.move(*point(0.5, 0.5), steps=4)
    mouse.up()
    # Three of the first row's six and three of the second's.
    expect(guest.page.locator("[data-picker-count]")).to_have_text("6 ticked")
    expect(guest.page.locator(".picker-dot.is-ticked")).to_have_count(6)
    mouse.click(*point(0.1, 0.15))
    expect(guest.page.locator("[data-picker-count]")).to_have_text("5 ticked")
    expect(guest.page.locator('input[value="cam-000"]')).not_to_be_checked()
    guest.page.click("[data-picker-none]")
    expect(guest.page.locator(".picker-dot.is-ticked")).to_have_count(0)


def test_a_picture_is_fetched_only_when_somebody_looks(either: Visitor, console_site: tuple[Console, str]) -> None:
    either.sign_in("Chen")
    either.go(f"/requests/{URGENT}")
    assert console_site[0].cases.done == []
    with either.page.expect_response("**/photos/0"):
        either.page.click("a[data-look]")
    expect(either.page.locator("img")).to_have_count(1)
    assert console_site[0].cases.done == [("photo", "Chen Wei", URGENT, 0)]


def test_the_clock_of_an_urgent_search_runs(guest: Visitor) -> None:
    guest.sign_in("Chen")
    guest.go(f"/requests/{URGENT}")
    clock = guest.page.locator(".alarm-clock")
    expect(clock).to_have_text(re.compile(r"^4[12]:\d\d$"))
    guest.page.clock.fast_forward(38 * 60_000)
    expect(clock).to_have_text(re.compile(r"^[0-4]:\d\d$"))
    expect(clock).to_have_class("countdown alarm-clock is-near")


def test_the_list_changes_without_a_new_page(guest: Visitor) -> None:
    guest.sign_in("Chen")
    guest.go("/requests?show=all")
    guest.page.evaluate("window.still = true")
    guest.page.check('.tab input[value="ended"]', force=True)
    expect(guest.page.locator("#list tbody tr")).to_have_count(1)
    assert guest.page.evaluate("window.still")
    assert "show=ended" in guest.page.url
    assert guest.troubles == []


def test_what_waits_is_renewed_only_while_somebody_is_there(guest: Visitor) -> None:
    guest.sign_in("Chen")
    guest.go("/")

    def renewals(minutes: int) -> int:
        before = len(guest.asked)
        guest.page.clock.run_for(minutes * 60_000)
        guest.page.wait_for_timeout(300)
        return len([url for url in guest.asked[before:] if url == f"{guest.address}/"])

    assert renewals(2) >= 1
    guest.page.clock.fast_forward(6 * 60_000)
    renewals(1)
    assert renewals(5) == 0
    guest.page.mouse.move(40, 60)
    assert renewals(2) >= 1


def test_the_keyboard_reaches_the_content_first_and_errors_are_read_first(guest: Visitor) -> None:
    guest.sign_in("Lin")
    guest.go("/ask/incident")
    guest.page.keyboard.press("Tab")
    assert guest.page.evaluate("document.activeElement.className") == "skip"
    guest.page.keyboard.press("Enter")
    assert guest.page.evaluate("document.activeElement.id") == "main"
    guest.page.evaluate("document.querySelector('form.form').noValidate = true")
    guest.send()
    assert guest.page.evaluate("document.activeElement.id") == "errors"
    guest.page.keyboard.press("Tab")
    guest.page.keyboard.press("Enter")
    assert guest.page.url.endswith("#field-details.event")


def test_a_form_is_sent_once(guest: Visitor, console_site: tuple[Console, str]) -> None:
    guest.sign_in("Lin")
    guest.go("/ask/missing-person")
    guest.fill_in_somebody_missing()
    button = guest.page.locator("form.form .large")
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box is not None
    console_site[0].cases.slow_s = 1.5
    for _ in range(2):
        guest.page.mouse.click(box["x"] + 20, box["y"] + 20)
        time.sleep(0.4)
    expect(guest.page.locator(".receipt")).to_be_visible()
    assert len(console_site[0].cases.asked) == 1


def test_a_language_is_chosen_and_kept(either: Visitor) -> None:
    either.sign_in("Lin")
    either.go("/ask/incident")
    either.page.click('button[value="zh-Hant"]')
    assert either.page.url == f"{either.address}/ask/incident"
    expect(either.page.locator("h1")).to_have_text("發生事件")
    either.go("/policy")
    expect(either.page.locator("h1")).to_have_text("規範")


def test_every_target_is_large_enough_for_a_thumb(guest: Visitor) -> None:
    guest.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    guest.sign_in("Chen")
    for path in ("/", "/ask/missing-person", f"/requests/{URGENT}", "/requests?show=all"):
        guest.go(path)
        small = guest.page.evaluate(_SMALL_TARGETS)
        assert small == [], (path, small)


_SMALL_TARGETS = """() => [...document.querySelectorAll("button, .button, select, .places a, input[type=text]")]
  .filter((one) => one.checkVisibility())
  .map((one) => [one.outerHTML.slice(0, 80), one.getBoundingClientRect()])
  .filter(([, box]) => box.width > 0 && (box.height < 38 || box.width < 38))
  .map(([html]) => html)"""
