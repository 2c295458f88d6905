"""The console that a browser visits."""

from collections.abc import Iterator

import pytest

from support.access_console import Console
from support.console_site import serving


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Console, str]]:
    with serving() as (console, address):
        yield console, address


@pytest.fixture
def console_site(served: tuple[Console, str]) -> tuple[Console, str]:
    """Return the console as it was at the beginning, and its address."""
    served[0].forget()
    return served
