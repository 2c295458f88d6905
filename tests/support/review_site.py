"""Review's pages over a world in memory, served on loopback with the headers that they have in earnest."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import uvicorn
from fastapi import FastAPI, Request

from homeward.access.database.base import Base
from homeward.access.database.database import Database
from homeward.access.people.principal import Principal
from homeward.access.people.rates import RateLimiter
from homeward.access.review.api import review_router
from homeward.access.review.stream import Streams
from homeward.access.web.app import build_app
from homeward.access.web.client import ClientAddress
from homeward.access.web.console.assets import Assets
from homeward.access.web.console.pages import Pages
from homeward.access.web.console.ports import CameraChoice
from homeward.access.web.console.review import review_pages
from homeward.access.web.console.translations import Languages
from homeward.access.web.gate import Gate
from homeward.access.web.limits import Limits
from homeward.access.web.security import SecurityHeaders, Shield
from homeward.shared.clock import SystemClock
from support.access_review import REQUESTER, ReviewWorld, reviewer

ADA: Final = reviewer("ada")
BEN: Final = reviewer("ben")
CYD: Final = reviewer("cyd")
_PEOPLE: Final = (ADA, BEN, CYD, REQUESTER)
_PATIENCE_S: Final = 30.0
_MANY: Final = 1_000_000


class _Cameras:
    def choices(self) -> Sequence[CameraChoice]:
        return [CameraChoice(one, f"{one.title()} 1") for one in ("gate", "hall", "north-gate")]


class _Door:
    """Whoever the browser says it is, and nobody who has signed out."""

    def __init__(self) -> None:
        self.out: set[str] = set()

    def authenticate(self, request: Request) -> Principal | None:
        return next((one for one in _PEOPLE if one.name == request.cookies.get("person", "")), None)

    def is_live(self, principal: Principal) -> bool:
        return principal.official_id not in self.out


@dataclass(frozen=True, slots=True)
class ReviewSite:
    """The world, who is signed in, and where the pages are."""

    world: ReviewWorld
    door: _Door
    address: str


@contextmanager
def serving_review(folder: Path) -> Iterator[ReviewSite]:
    """Serve review over a world in which nothing happened yet; its database is a file in `folder`.

    The requests of one page come at once, and a database in memory has one connection for all.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    database = Database(f"sqlite:///{folder / 'review.db'}")
    Base.metadata.create_all(database.engine)
    world, door = ReviewWorld(database=database), _Door()
    # The clock of the stream is the machine's, that of the searches the test's.
    streams = Streams(world.review.feed, door, SystemClock())
    world.database.on_commit(streams.changed)
    app = _app(world, door, streams, address)
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=5)
    )
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    deadline = time.monotonic() + _PATIENCE_S
    while not server.started:
        assert time.monotonic() < deadline, "the pages are not served"
        time.sleep(0.05)
    try:
        yield ReviewSite(world, door, address)
    finally:
        stopped = threading.Event()
        stopped.set()
        streams.run(stopped)
        server.should_exit = True
        thread.join(_PATIENCE_S)
        listening.close()
        database.close()


def _app(world: ReviewWorld, door: _Door, streams: Streams, address: str) -> FastAPI:
    gate, assets, languages = Gate(door, world.audit), Assets(), Languages()
    pages = Pages(assets, languages, ZoneInfo("Asia/Taipei"), world.clock, lambda _: "the-token")
    shield = Shield(
        SecurityHeaders(address, []),
        public_url=address,
        limits=Limits(body_bytes=1 << 20, upload_bytes=1 << 20),
        address=ClientAddress(0),
        limiter=RateLimiter(SystemClock(), per_minute=_MANY, burst=_MANY),
    )
    routers = [
        assets.router(),
        review_router(world.review, streams, gate),
        review_pages(world.review, _Cameras(), None, pages, gate),
    ]
    return build_app(routers, page=pages.error, shield=shield)
