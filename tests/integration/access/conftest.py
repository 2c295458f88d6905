"""A browser, and the console that it visits."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from support.access_console import Console
from support.chromium import require_chromium
from support.console_site import serving


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = require_chromium()
    with sync_playwright() as playwright:
        # Tests may run as root, which the sandbox refuses; the pages are our own.
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        opened = playwright.chromium.launch(executable_path=program, args=arguments)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def site() -> Iterator[tuple[Console, str]]:
    with serving() as (console, address):
        yield console, address


@pytest.fixture(autouse=True)
def _as_at_the_beginning(site: tuple[Console, str]) -> None:
    site[0].forget()
