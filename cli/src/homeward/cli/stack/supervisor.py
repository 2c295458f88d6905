"""Keeps child processes running: one that ends is started again, later each time it ends soon."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from homeward.cli.embedded.process import ChildProcess, ProcessError
from homeward.shared.clock import Clock

_LOOK_S: Final = 0.25
FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 30.0
STEADY_S: Final = 60.0
"""A child that ran this long is taken for well, and its next restart is quick again."""


@dataclass(slots=True)
class _Watched:
    child: ChildProcess
    started_at: float
    wait_s: float = FIRST_WAIT_S
    restart_at: float | None = None


class Supervisor:
    """Watches children from one thread. `report` is told in words of each end and each restart."""

    def __init__(self, children: Mapping[str, ChildProcess], clock: Clock, report: Callable[[str], None]) -> None:
        self._clock = clock
        self._report = report
        self._watched = {name: _Watched(child, clock.monotonic()) for name, child in children.items()}

    def run(self, stop: threading.Event) -> None:
        """Block until `stop` is set, starting again what ends."""
        while not stop.wait(_LOOK_S):
            self.look()

    def look(self) -> None:
        """Look at every child once."""
        now = self._clock.monotonic()
        for name, watched in self._watched.items():
            if watched.child.is_alive():
                continue
            if watched.restart_at is None:
                if now - watched.started_at >= STEADY_S:
                    watched.wait_s = FIRST_WAIT_S
                watched.restart_at = now + watched.wait_s
                self._report(
                    f"{name} ended (exit status {watched.child.exit_status}) and starts again in {watched.wait_s:g} s"
                )
            if now >= watched.restart_at:
                self._restart(name, watched, now)

    def _restart(self, name: str, watched: _Watched, now: float) -> None:
        watched.wait_s = min(watched.wait_s * 2, LONGEST_WAIT_S)
        watched.restart_at = None
        watched.started_at = now
        try:
            watched.child.start()
        except ProcessError as error:
            self._report(str(error))
        else:
            self._report(f"{name} started again")
