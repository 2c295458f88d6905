"""The folding of the audit log as a program, which can be killed at one exact step.

It is told everything in one JSON argument: kafka, group, database, and optionally `die_at` (a step) with `on_record`
(which one, from 1). The steps lie in the database and the producer that it hands to the runtime, never in the folder.
"""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry
from sqlalchemy.orm import Session

from homeward.access.audit.folding import AuditFolder
from homeward.access.database.database import Database
from homeward.shared.clock import SystemClock
from homeward.shared.runtime.consumer import Consumer
from homeward.shared.runtime.operations import OperationsServer
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.runtime.service import run_service
from homeward.shared.settings import KafkaSettings, LogSettings, OperationsSettings
from homeward.shared.telemetry.logging import configure_logging
from homeward.shared.telemetry.metrics import RuntimeMetrics
from homeward.shared.topics import AUDIT

STEPS: Final = ("begun", "written", "committed")
"""Where a kill falls: as the transaction begins, when all is written and nothing committed, and after the commit,
before the offset is."""


class Fate:
    """Kills the process when the chosen step is reached for the chosen time."""

    def __init__(self, step: str | None, count: int) -> None:
        self._step = step
        self._left = count

    def reach(self, step: str) -> None:
        if step == self._step:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class FatalDatabase(Database):
    """A database in whose transactions the process may die."""

    def __init__(self, url: str, fate: Fate) -> None:
        super().__init__(url)
        self._fate = fate

    @contextmanager
    def begin(self) -> Iterator[Session]:
        with super().begin() as session:
            self._fate.reach("begun")
            yield session
            session.flush()
            self._fate.reach("written")
        self._fate.reach("committed")


def main() -> int:
    told = json.loads(sys.argv[1])
    configure_logging(LogSettings(), "child", stream=sys.stderr)
    kafka = KafkaSettings.model_validate(told["kafka"])
    registry = CollectorRegistry()
    database = FatalDatabase(told["database"], Fate(told.get("die_at"), told.get("on_record", 0)))
    producer = EventProducer(kafka)
    consumer = Consumer(
        kafka,
        group=told["group"],
        topics=[AUDIT],
        handler=AuditFolder(database),
        producer=producer,
        metrics=RuntimeMetrics(registry),
        clock=SystemClock(),
    )
    operations = OperationsServer(OperationsSettings(port=0), registry=registry)
    return run_service([consumer], operations=operations, clock=SystemClock(), closing=[producer.close, database.close])


if __name__ == "__main__":
    sys.exit(main())
