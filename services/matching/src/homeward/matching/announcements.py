"""Sightings on their way to the log while the comparison goes on."""

import threading
from collections.abc import Callable, Sequence
from contextvars import copy_context
from queue import SimpleQueue

from homeward.shared.events import Event

Announce = Callable[[Sequence[Event]], None]


class Announcements:
    """Announces on a thread of its own, so that no template waits in memory for a broker to acknowledge a sighting.

    Told of by one thread, the comparison's. Once the search is wanted no more, nothing that waits is announced.
    """

    def __init__(self, announce: Announce, wanted: Callable[[], bool]) -> None:
        """`announce` blocks until its events are on the log; `wanted` says whether the search still lives."""
        self._announce = announce
        self._wanted = wanted
        self._waiting: SimpleQueue[Sequence[Event] | None] = SimpleQueue()
        self._dropped = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: Exception | None = None

    def tell(self, events: Sequence[Event]) -> None:
        """Have `events` announced, together and after those told before; raise what `announce` raised of these."""
        self._raise()
        if self._thread is None:
            # In the caller's context, so that an event carries the trace of what found it.
            run = copy_context().run
            self._thread = threading.Thread(target=run, args=(self._run,), name="announcements", daemon=True)
            self._thread.start()
        self._waiting.put(events)

    def finish(self) -> None:
        """Wait until everything is announced, or the search is wanted no more; raise what `announce` raised."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
        self._raise()

    def drop(self) -> None:
        """Announce nothing more but what is under way, and do not wait for that; idempotent."""
        self._dropped.set()
        self._waiting.put(None)

    def _run(self) -> None:
        while (events := self._waiting.get()) is not None:
            if self._dropped.is_set() or not self._wanted():
                return
            try:
                self._announce(events)
            except Exception as error:  # noqa: BLE001 - raised by the comparison's thread, whose it is
                self._failure = error
                return

    def _raise(self) -> None:
        if self._failure is not None:
            raise self._failure
