"""Every page of the console by axe-core's rules of WCAG 2.2 AA: both languages, light and dark, desktop and phone."""

from collections.abc import Callable, Mapping
from typing import Final, Literal

import pytest
from playwright.sync_api import Browser

from support.access_console import FAKE_WORDS, INCIDENT, OWN, REFERENCE, REFUSED, SECRET, URGENT, WAITING, Console
from support.axe import RULES, axe_source, violations
from support.visitor import DESKTOP, PHONE, Visitor, visitor

pytestmark = pytest.mark.chromium

_SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
OFFICER: Final = "Lin"
SUPERVISOR: Final = "Chen"


def _at(person: str, path: str) -> Callable[[Visitor], None]:
    def visit(guest: Visitor) -> None:
        guest.sign_in(person)
        guest.go(path)

    return visit


def _wrong_form(guest: Visitor) -> None:
    guest.sign_in(OFFICER)
    guest.go("/ask/missing-person")
    guest.page.evaluate("document.querySelector('form.form').noValidate = true")
    guest.page.check('input[value="cam-000"]')
    guest.send()


def _receipt_given(guest: Visitor) -> None:
    guest.sign_in(OFFICER)
    guest.go("/ask/missing-person")
    guest.fill_in_somebody_missing()
    guest.send()


def _receipt(guest: Visitor) -> None:
    guest.sign_in("")
    guest.go(f"/receipt#{REFERENCE}.{SECRET}")
    guest.page.click("form[data-receipt] button")
    guest.page.wait_for_load_state()


def _wrong_receipt(guest: Visitor) -> None:
    guest.sign_in("")
    guest.go("/receipt#WRONG.WRONG")
    guest.page.click("form[data-receipt] button")
    guest.page.wait_for_load_state()


def _unfolded(guest: Visitor) -> None:
    guest.sign_in(SUPERVISOR)
    guest.go(f"/requests/{URGENT}")
    guest.page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")


PAGES: Final[Mapping[str, Callable[[Visitor], None]]] = {
    "welcome": _at("", "/welcome"),
    "home of an officer": _at(OFFICER, "/"),
    "home of a supervisor": _at(SUPERVISOR, "/"),
    "home of a reviewer": _at("Huang", "/"),
    "home of an auditor": _at("Wu", "/"),
    "home of an operator": _at("Tsai", "/"),
    "choice of a form": _at(OFFICER, "/ask"),
    "missing person": _at(OFFICER, "/ask/missing-person"),
    "missing person, wrong": _wrong_form,
    "own footage": _at(OFFICER, "/ask/subject-access"),
    "incident": _at(OFFICER, "/ask/incident"),
    "receipt given": _receipt_given,
    "requests": _at(SUPERVISOR, "/requests?show=all"),
    "no requests": _at(SUPERVISOR, "/requests?show=running&purpose=incident"),
    "urgent request": _unfolded,
    "own request": _at(OFFICER, f"/requests/{WAITING}?done=start"),
    "subject access request": _at(SUPERVISOR, f"/requests/{OWN}"),
    "request above one's rank": _at(SUPERVISOR, f"/requests/{INCIDENT}"),
    "refused request": _at(OFFICER, f"/requests/{REFUSED}"),
    "cameras": _at(OFFICER, "/cameras"),
    "no such cameras": _at(OFFICER, "/cameras?words=atlantis"),
    "camera": _at("Tsai", "/cameras/cam-000"),
    "policy": _at(OFFICER, "/policy"),
    "receipt wanted": _at("", "/receipt"),
    "receipt": _receipt,
    "receipt, wrong": _wrong_receipt,
    "nothing": _at(OFFICER, "/nowhere"),
    "forbidden": _at("Wu", "/ask"),
}


@pytest.fixture(scope="module", params=["en-GB", "zh-TW"])
def reader(request: pytest.FixtureRequest, browser: Browser, served: tuple[Console, str]) -> Visitor:
    return visitor(browser, served[1], language=request.param, init=axe_source())


@pytest.fixture
def guest(reader: Visitor, console_site: tuple[Console, str]) -> Visitor:
    """Return the reader, to whom nothing has happened yet; a browser for each page would take minutes."""
    assert reader.address == console_site[1]
    reader.troubles.clear()
    reader.asked.clear()
    return reader


@pytest.mark.parametrize("name", PAGES)
def test_a_page_breaks_no_rule(guest: Visitor, name: str) -> None:
    guest.page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    PAGES[name](guest)
    found = []
    for size in (DESKTOP, PHONE):
        guest.page.set_viewport_size(size)  # type: ignore[arg-type]
        for scheme in _SCHEMES:
            guest.page.emulate_media(color_scheme=scheme)
            result = guest.page.evaluate("rules => axe.run({runOnly: rules, resultTypes: ['violations']})", list(RULES))
            found += [(size["width"], scheme, one) for one in violations(result)]
    assert not found, "\n".join(map(str, found))
    assert guest.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], "it does not reflow"
    assert guest.page.evaluate("document.documentElement.lang") in {"en", "zh-Hant"}
    assert guest.troubles == []
    assert [url for url in guest.asked if not url.startswith((guest.address, "blob:"))] == []


def test_a_broken_page_is_noticed(guest: Visitor) -> None:
    guest.sign_in(OFFICER)
    guest.go("/ask")
    guest.page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=\"/static/mark.svg\">')"
    )
    result = guest.page.evaluate("rules => axe.run({runOnly: rules})", list(RULES))
    assert [one.rule for one in violations(result)] == ["image-alt"]


def test_no_english_is_left_in_the_chinese_pages(browser: Browser, console_site: tuple[Console, str]) -> None:
    guest = visitor(browser, console_site[1], language="zh-TW")
    for name, visit in PAGES.items():
        visit(guest)
        # What people wrote and names stay as they are: they stand in the fakes, and in no template.
        words = guest.page.evaluate(_LATIN_WORDS)
        assert not set(words) - _NAMES, (name, sorted(set(words) - _NAMES))


_LATIN_WORDS: Final = """() => {
  const kept = "script, style, .figure, .code, .written, [lang=en], time, .course .soft, .receipt-keys dd";
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const place = walk.currentNode.parentElement;
    if (place.closest(kept)) continue;
    found.push(...(walk.currentNode.textContent.match(/[A-Za-z][a-z]{2,}/g) || []));
  }
  for (const one of document.querySelectorAll("[aria-label], [placeholder], [alt], [title]:not(time)")) {
    for (const name of ["aria-label", "placeholder", "alt"]) {
      found.push(...((one.getAttribute(name) || "").match(/[A-Za-z][a-z]{2,}/g) || []));
    }
  }
  return found;
}"""
_NAMES: Final = frozenset({"Homeward", "UTC", "JPEG", "PNG", "SHA", "English", "Asia", "Taipei", *FAKE_WORDS})
