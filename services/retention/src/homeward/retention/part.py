"""Retention as a part of its service: one thread that steps, waits and steps again."""

import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Protocol

from homeward.retention.backstop import Backstop
from homeward.retention.handler import RetentionHandler
from homeward.retention.metrics import RetentionMetrics
from homeward.shared.audit import AuditUnavailableError
from homeward.shared.objectstore.port import ObjectStoreUnavailableError
from homeward.shared.runtime.backoff import Backoff
from homeward.shared.runtime.producer import DeliveryError
from homeward.shared.telemetry.logging import get_logger

_WAIT_FOR_TABLES: Final = timedelta(seconds=0.5)

_log = get_logger()


class Table(Protocol):
    """What retention must know of a table before it deletes anything."""

    def caught_up(self, timeout: timedelta) -> bool:
        """Return whether the table has been read to its end, after `timeout` at the latest."""
        ...


class RetentionPart:
    """Steps the handler every `step_every`, once every table has been read.

    With a hold unread, a sweep could delete what it keeps.
    """

    name = "retention"

    def __init__(
        self,
        handler: RetentionHandler,
        backstop: Backstop,
        tables: Sequence[Table],
        *,
        metrics: RetentionMetrics,
        step_every: timedelta,
        backoff: Backoff,
    ) -> None:
        self._handler = handler
        self._backstop = backstop
        self._tables = tables
        self._metrics = metrics
        self._step_every = step_every
        self._backoff = backoff
        self._ready = threading.Event()

    def ready(self) -> bool:
        """Whether the last step went through."""
        return self._ready.is_set()

    def run(self, stop: threading.Event) -> None:
        """Step until `stop` is set. What is away is waited for; any other error ends the service."""
        for table in self._tables:
            while not table.caught_up(_WAIT_FOR_TABLES):
                if stop.is_set():
                    return
        self._backstop.set_topics()
        attempt = 0
        while not stop.is_set():
            try:
                self._handler.step()
            except (ObjectStoreUnavailableError, DeliveryError, AuditUnavailableError) as error:
                attempt += 1
                self._ready.clear()
                away = "object store" if isinstance(error, ObjectStoreUnavailableError) else "kafka"
                self._metrics.failures.labels(away).inc()
                _log.warning("step failed and is tried again", attempt=attempt, error=error)
                stop.wait(self._backoff.wait_s(attempt))
            else:
                attempt = 0
                self._ready.set()
                stop.wait(self._step_every.total_seconds())
