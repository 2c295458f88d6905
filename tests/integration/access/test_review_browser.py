"""Review in a browser: answered by keys, by mouse and without script, live, and by the rules of WCAG 2.2 AA."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

from homeward.access.review.verdict import Answer, Standing
from support.access_review import REQUEST, REQUESTER, completed, planned, sighting
from support.axe import RULES, axe_source, violations
from support.review_site import ADA, BEN, CYD, ReviewSite, serving_review
from support.visitor import DESKTOP, PHONE, Visitor, visitor

pytestmark = pytest.mark.chromium

SEARCH = f"/review/searches/{REQUEST}"


@pytest.fixture
def review(tmp_path: Path) -> Iterator[ReviewSite]:
    with serving_review(tmp_path) as site:
        site.world.opened()
        yield site


def test_from_the_list_to_a_confirmed_sighting_by_keys(browser: Browser, review: ReviewSite) -> None:
    best, second = (review.world.sighted(sighting(number, likelihood_ratio=9.0 - number)) for number in range(2))
    for who in (ADA, BEN):
        guest = visitor(browser, review.address)
        guest.sign_in(who.name)
        guest.go("/review")
        guest.page.click("a.primary")
        expect(guest.page).to_have_url(f"{review.address}/review/sightings/{best}")
        _press(guest, "y")
        expect(guest.page).to_have_url(f"{review.address}/review/sightings/{second}")
        _press(guest, "n")
        expect(guest.page).to_have_url(f"{review.address}{SEARCH}?done=yes")
        assert guest.troubles == []
        guest.context.close()
    views = review.world.review.review.sightings(CYD, REQUEST).sightings
    assert [view.standing for view in views] == [Standing.CONFIRMED, Standing.REJECTED]
    guest = visitor(browser, review.address)
    guest.sign_in(REQUESTER.name)
    guest.go(f"/requests/{REQUEST}/sightings")
    expect(guest.page.locator(".found-one")).to_have_count(1)


def test_keys_answer_only_where_they_are_wanted(browser: Browser, review: ReviewSite) -> None:
    best = review.world.sighted(sighting())
    guest = visitor(browser, review.address)
    guest.sign_in(ADA.name)
    for _ in range(2):
        guest.go(f"/review/sightings/{best}")
        guest.page.locator("[data-keys]").set_checked(checked=False)
        for key in ("y", "n", "u", "Control+y"):
            guest.page.keyboard.press(key)
    assert review.world.review.review.sighting(ADA, best).own_answer is None
    guest.go(f"/review/sightings/{best}")
    expect(guest.page.locator("[data-keys]")).not_to_be_checked()


def test_without_script_a_button_answers(browser: Browser, review: ReviewSite) -> None:
    best = review.world.sighted(sighting())
    guest = visitor(browser, review.address, script=False)
    guest.sign_in(ADA.name)
    guest.go(f"/review/sightings/{best}")
    expect(guest.page.locator(".keys")).to_be_hidden()
    guest.page.click('button[value="unsure"]')
    assert review.world.review.review.sighting(ADA, best).own_answer is Answer.UNSURE


def test_a_page_follows_its_search_to_the_end(browser: Browser, review: ReviewSite) -> None:
    review.world.sighted(sighting())
    guest = visitor(browser, review.address)
    guest.sign_in(ADA.name)
    guest.go(SEARCH)
    expect(guest.page.locator(".follow.is-live")).to_be_visible()
    guest.page.clock.run_for(1500)
    review.world.sighted(sighting(1, camera_id="hall"))
    # What is new is fetched two seconds after it is told, by the page's own clock.
    rows = guest.page.locator("tbody tr")
    for _ in range(20):
        guest.page.clock.run_for(500)
        guest.page.wait_for_timeout(200)
        if rows.count() == 2:
            break
    expect(rows).to_have_count(2)
    review.world.ends()
    review.world.folding.handle(completed(0))
    expect(guest.page.locator(".notice-warn")).to_be_visible()
    expect(guest.page.locator("[data-follow]")).to_have_count(0)
    assert guest.troubles == []


def test_a_page_says_when_its_reader_is_signed_out(browser: Browser, review: ReviewSite) -> None:
    guest = visitor(browser, review.address)
    guest.sign_in(ADA.name)
    guest.go(SEARCH)
    expect(guest.page.locator(".follow.is-live")).to_be_visible()
    review.door.out.add(ADA.official_id)
    expect(guest.page.locator("[data-words]")).to_have_text("You are signed out. Load this page anew.", timeout=15_000)


@pytest.mark.parametrize(("language", "scheme"), [("en-GB", "light"), ("zh-TW", "dark")])
def test_no_page_breaks_a_rule(
    browser: Browser, review: ReviewSite, language: str, scheme: Literal["light", "dark"]
) -> None:
    ids = [review.world.sighted(sighting(number, likelihood_ratio=10.0**number)) for number in range(4)]
    review.world.folding.handle(planned(3))
    review.world.folding.handle(completed(0))
    for who, answer in ((ADA, Answer.YES), (BEN, Answer.YES)):
        review.world.review.answering.answer(who, ids[0], answer)
    review.world.review.answering.answer(ADA, ids[1], Answer.NO)
    guest = visitor(browser, review.address, language=language, init=axe_source())
    guest.page.emulate_media(color_scheme=scheme)
    _judge(guest, ADA.name, "/review", SEARCH, *(f"/review/sightings/{one}" for one in ids[:3]))
    _judge(guest, REQUESTER.name, f"/requests/{REQUEST}/sightings")
    review.world.ends()
    _judge(guest, ADA.name, SEARCH, f"/review/sightings/{ids[1]}")
    assert guest.troubles == []


def _press(guest: Visitor, key: str) -> None:
    """Press a key where the page offers its keys: before its script has run, it knows none."""
    guest.page.wait_for_load_state()
    expect(guest.page.locator("[data-keys]")).to_be_visible()
    guest.page.keyboard.press(key)


def _judge(guest: Visitor, who: str, *paths: str) -> None:
    guest.sign_in(who)
    for path in paths:
        for size in (DESKTOP, PHONE):
            guest.page.set_viewport_size(size)  # type: ignore[arg-type]
            guest.go(path)
            result = guest.page.evaluate("rules => axe.run({runOnly: rules})", list(RULES))
            assert [(path, size, one) for one in violations(result)] == []
        assert guest.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], f"{path} does not reflow"
