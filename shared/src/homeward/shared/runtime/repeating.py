"""Work that is done again and again, as a part of a service."""

import threading
from collections.abc import Callable
from datetime import timedelta

from homeward.shared.telemetry.logging import get_logger

_log = get_logger()


class Repeating:
    """A part that does `work` at once and then each `every`. It is ready while the last time went well.

    An error of `patient` is logged and waited out; any other ends the service.
    """

    def __init__(
        self, name: str, work: Callable[[], object], every: timedelta, patient: tuple[type[Exception], ...]
    ) -> None:
        self.name = name
        self._work = work
        self._every_s = every.total_seconds()
        self._patient = patient
        self._well = threading.Event()

    def ready(self) -> bool:
        """Whether the last time went well."""
        return self._well.is_set()

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set."""
        while not stop.is_set():
            try:
                self._work()
            except self._patient as error:
                self._well.clear()
                _log.warning("work is not done and is tried again", part=self.name.replace(" ", "-"), error=error)
            else:
                self._well.set()
            stop.wait(self._every_s)
