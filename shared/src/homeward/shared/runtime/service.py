"""Runs the parts of a service until it is told to stop, or until one of them fails."""

import signal
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from types import FrameType
from typing import Final

from homeward.shared.clock import Clock
from homeward.shared.runtime.deadline import Deadline
from homeward.shared.runtime.operations import OperationsServer
from homeward.shared.runtime.part import Part
from homeward.shared.telemetry.logging import get_logger

DRAIN: Final = timedelta(seconds=25)
"""Below Kubernetes' 30 s between SIGTERM and SIGKILL, above a consumer's own 20 s."""

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_WAKE_S: Final = 0.5

_log = get_logger()


def run_service(
    parts: Sequence[Part],
    *,
    operations: OperationsServer,
    clock: Clock,
    drain: timedelta = DRAIN,
    closing: Sequence[Callable[[], None]] = (),
) -> int:
    """Run every part on a thread of its own until SIGTERM or SIGINT, then drain, close and return the exit status.

    Called by the main thread, which owns the signals. After the first signal, or the first part that ends, no part
    shall start anything; all of them finish what is under way before one deadline, `drain`. Then each of `closing`
    (a producer, a store) is called in order. The status is 0 after a signal and a whole drain, 1 when a part failed,
    ended by itself, or was still at work when the deadline passed; a second signal ends the wait.
    """
    stop = threading.Event()
    hurry = threading.Event()
    threads = [_PartThread(part, stop) for part in parts]
    previous = {number: signal.signal(number, _on_signal(stop, hurry)) for number in _SIGNALS}
    try:
        operations.start(parts)
        for thread in threads:
            thread.start()
        _log.info("service runs", port=operations.port)
        while not stop.wait(_WAKE_S):
            pass
        operations.stopping()
        _log.info("service stops")
        drained = _drain(threads, Deadline(clock, drain), hurry)
        for close in closing:
            drained = _close(close) and drained
        return 0 if drained and not any(thread.failed for thread in threads) else 1
    finally:
        operations.close()
        for number, handler in previous.items():
            signal.signal(number, handler)


class _PartThread(threading.Thread):
    """A part's thread: daemonic, so that a part that does not end cannot keep the process."""

    def __init__(self, part: Part, stop: threading.Event) -> None:
        super().__init__(name=part.name, daemon=True)
        self.part = part
        self.failed = False
        self._stop_service = stop

    def run(self) -> None:
        """Run the part; whatever ends it stops the service."""
        try:
            self.part.run(self._stop_service)
        except Exception:  # noqa: BLE001 - whatever it is, it stops the service
            self.failed = True
            _log.exception("part failed", part=_label(self.part))
        else:
            if not self._stop_service.is_set():
                self.failed = True
                _log.error("part ended by itself", part=_label(self.part))
        finally:
            self._stop_service.set()


def _drain(threads: Sequence[_PartThread], deadline: Deadline, hurry: threading.Event) -> bool:
    for thread in threads:
        while thread.is_alive() and not deadline.passed() and not hurry.is_set():
            thread.join(min(_WAKE_S, deadline.remaining_s()))
        if thread.is_alive():
            _log.error("part did not drain in time", part=_label(thread.part))
    return not any(thread.is_alive() for thread in threads)


def _close(close: Callable[[], None]) -> bool:
    try:
        close()
    except Exception:  # noqa: BLE001 - the others must be closed all the same
        _log.exception("closing failed")
        return False
    return True


def _on_signal(stop: threading.Event, hurry: threading.Event) -> Callable[[int, FrameType | None], None]:
    def handle(_: int, __: FrameType | None) -> None:
        if stop.is_set():
            hurry.set()
        stop.set()

    return handle


def _label(part: Part) -> str:
    return part.name.replace(" ", "-")
