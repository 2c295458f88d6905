"""How a command that runs until it is told to stop hears of it."""

import signal
import threading


def stop_signal() -> threading.Event:
    """Return an event that Ctrl-C and SIGTERM set from now on. Called by the main thread."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
