"""The demo's people at the API of a running access."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from homeward.cli.demo_provider.issuer import DemoIssuer
from homeward.cli.demo_provider.people import person
from homeward.cli.demo_provider.place import DemoPlace
from homeward.cli.stack.stack import Stack

_TIMEOUT_S: Final = 60.0
_LOOK_S: Final = 0.1


def api_of(stack: Stack, name: str | None = None) -> httpx.Client:
    """Return a client of the API for the demo's person `name`, for nobody by default."""
    place = DemoPlace.load(stack.folder)
    headers = {}
    if name is not None:
        who = person(name)
        assert who is not None
        token = DemoIssuer.load(place, stack.folder.keys).access_token(who, datetime.now(UTC))
        headers["Authorization"] = f"Bearer {token}"
    return httpx.Client(base_url=f"{place.console}/api/v1", headers=headers, trust_env=False, timeout=_TIMEOUT_S)


def told(client: httpx.Client, path: str) -> Any:
    """Return what the API tells at `path`."""
    answer = client.get(path)
    assert answer.is_success, answer.text
    return answer.json()


def eventually(holds: Callable[[], bool], within: timedelta, what: str) -> float:
    """Return how many seconds passed until `holds`; fail with `what` after `within`."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < within.total_seconds(), f"{what}: not within {within}"
        time.sleep(_LOOK_S)
    return time.monotonic() - begun
