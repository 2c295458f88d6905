"""The thread on which events are handled, so that the polling beside it never waits for a handler."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Worker(Generic[Result]):
    """One daemon thread that runs one call at a time.

    concurrent.futures' own executors are joined when the interpreter ends, so a handler that hangs would keep a
    stopped service alive; a daemon thread does not.
    """

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[tuple[Future[Result], Callable[[], Result]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, call: Callable[[], Result]) -> Future[Result]:
        """Run `call` on the thread after those submitted before; return at once."""
        future: Future[Result] = Future()
        self._calls.put((future, call))
        return future

    def stop(self) -> None:
        """Let the thread end after the calls submitted so far; return at once."""
        self._calls.put(None)

    def _run(self) -> None:
        while (item := self._calls.get()) is not None:
            future, call = item
            try:
                future.set_result(call())
            except BaseException as error:  # noqa: BLE001 - handed over whole to whoever asks for the result
                future.set_exception(error)
