"""The live stream of a search: server-sent events, a bounded number of them, each of bounded length."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Protocol

from pydantic import TypeAdapter
from starlette.concurrency import run_in_threadpool

from homeward.access.errors import AccessError, TooManyError
from homeward.access.people.principal import Principal
from homeward.access.review.feed import Feed, News
from homeward.access.review.model import Progress, SightingView
from homeward.access.review.verdict import Standing
from homeward.shared.clock import Clock

_SIGHTING: Final = TypeAdapter(SightingView)
_PROGRESS: Final = TypeAdapter(Progress)
_RETRY_MS: Final = 3000
_FULL_RETRY_S: Final = 15


class Sessions(Protocol):
    """Who is still signed in."""

    def is_live(self, principal: Principal) -> bool:
        """Return whether the session or token of `principal` is still good. It is no sign of life of theirs.

        Called every few seconds by threads; blocks for a look into the database at most.
        """
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a stream looks, and for how long it lasts: then the browser comes again and is let in anew.

    `look` is the longest time between two looks, `commit` the shortest after something changed here.
    """

    commit: timedelta = timedelta(seconds=0.25)
    look: timedelta = timedelta(seconds=2)
    heartbeat: timedelta = timedelta(seconds=15)
    session: timedelta = timedelta(seconds=5)
    most: timedelta = timedelta(minutes=10)


class Streams:
    """The open streams. As a part of the service it ends them all when that stops."""

    def __init__(
        self,
        feed: Feed,
        sessions: Sessions,
        clock: Clock,
        *,
        pace: Pace | None = None,
        limit: int = 200,
        limit_each: int = 4,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`limit` bounds all streams of this process, `limit_each` those of one official."""
        self.name = "review streams"
        self._feed = feed
        self._sessions = sessions
        self._clock = clock
        self._pace = pace or Pace()
        self._limit = limit
        self._limit_each = limit_each
        self._sleep = sleep
        self._lock = threading.Lock()
        self._open: Counter[str] = Counter()
        self._ending = threading.Event()
        self._changes = 0

    def changed(self) -> None:
        """Tell that something was committed: every stream looks soon. For `Database.on_commit`."""
        self._changes += 1

    def ready(self) -> bool:
        """Whether streams are taken."""
        return not self._ending.is_set()

    def run(self, stop: threading.Event) -> None:
        """Wait for `stop`, then end every stream."""
        stop.wait()
        self._ending.set()

    def take(self, principal: Principal) -> None:
        """Take a stream's place; raise TooManyError. Whoever took one gives it back."""
        with self._lock:
            if self._open.total() >= self._limit or self._open[principal.official_id] >= self._limit_each:
                raise TooManyError("streams", "too many pages follow searches; close some", _FULL_RETRY_S)
            self._open[principal.official_id] += 1

    def give_back(self, principal: Principal) -> None:
        """Give a stream's place back."""
        with self._lock:
            self._open[principal.official_id] -= 1
            if self._open[principal.official_id] <= 0:
                del self._open[principal.official_id]

    async def events(self, principal: Principal, request_id: str, number: int) -> AsyncIterator[str]:
        """Yield a search's events from `number` of its feed on, until the search, the session or the time ends."""
        yield f"retry: {_RETRY_MS}\n\n"
        known: dict[str, Standing] = {}
        progress: Progress | None = None
        pace, began = self._pace, self._clock.monotonic()
        spoke = checked = began
        while self._clock.monotonic() - began < pace.most.total_seconds() and not self._ending.is_set():
            seen = self._changes
            try:
                news = await run_in_threadpool(self._feed.look, principal, request_id, number, known)
            except AccessError:
                # The case or the official changed: what may be seen is judged when the browser comes again.
                yield _event("ended", {"why": "refused"})
                return
            for text in _texts(news, number, progress):
                yield text
                spoke = self._clock.monotonic()
            number, progress = news.number, news.progress
            known |= {view.sighting_id: view.standing for view in news.sightings}
            if news.ended:
                yield _event("ended", {"why": "search"})
                return
            if self._clock.monotonic() - checked >= pace.session.total_seconds():
                checked = self._clock.monotonic()
                if not await run_in_threadpool(self._sessions.is_live, principal):
                    yield _event("ended", {"why": "session"})
                    return
            if self._clock.monotonic() - spoke >= pace.heartbeat.total_seconds():
                spoke = self._clock.monotonic()
                yield ": still here\n\n"
            await self._wait(seen)

    async def _wait(self, seen: int) -> None:
        """Wait for a change, for the longest time between two looks at most."""
        since = self._clock.monotonic()
        while True:
            await self._sleep(self._pace.commit.total_seconds())
            waited = self._clock.monotonic() - since
            if self._changes != seen or waited >= self._pace.look.total_seconds() or self._ending.is_set():
                return


def _texts(news: News, number: int, progress: Progress | None) -> list[str]:
    texts = [_event("sighting", _SIGHTING.dump_python(view, mode="json")) for view in news.sightings]
    if news.more:
        texts.append(_event("reload", {}))
    if news.progress != progress:
        texts.append(_event("progress", _PROGRESS.dump_python(news.progress, mode="json")))
    if news.number != number:
        # After everything that it stands for: a reader who was cut off before gets it all again.
        texts.append(f"id: {news.number}\nevent: number\ndata: {{}}\n\n")
    return texts


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"
