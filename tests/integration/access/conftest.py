"""A browser, and the console that it visits."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from support.access_console import Console
from support.chromium import driven_browser
from support.console_site import serving


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with driven_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Console, str]]:
    with serving() as (console, address):
        yield console, address


@pytest.fixture
def console_site(served: tuple[Console, str]) -> tuple[Console, str]:
    """Return the console as it was at the beginning, and its address."""
    served[0].forget()
    return served
