"""A service of one consumer, as a program: it answers every event, and can be killed at one exact step.

It is told everything in one JSON argument: kafka, source, target, partitions, group, and optionally
`die_at` (a step) with `on_event` (the event's number) and `slow_s` (how long each event takes). The steps lie in the
doubles that it hands to the runtime, never in the runtime.
"""

import dataclasses
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

from confluent_kafka import Consumer as KafkaConsumer
from confluent_kafka import Producer as KafkaProducer
from prometheus_client import CollectorRegistry

from homeward.shared.clock import SystemClock
from homeward.shared.events import Event
from homeward.shared.runtime.consumer import Consumer
from homeward.shared.runtime.operations import OperationsServer
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.runtime.service import run_service
from homeward.shared.settings import KafkaSettings, LogSettings, OperationsSettings
from homeward.shared.telemetry.logging import configure_logging
from homeward.shared.telemetry.metrics import RuntimeMetrics
from homeward.shared.topics import CLIPS

STEPS: Final = ("fetched", "handled", "queued", "delivered", "committed")
"""Where a kill falls: just after the fetch, after the handler's work, after the answer is given to the producer and
before it is acknowledged, after it is acknowledged and before the commit, and just after the commit."""


class Fate:
    """Kills the process when the chosen step is reached for the chosen time."""

    def __init__(self, step: str | None, count: int) -> None:
        self._step = step
        self._left = count
        self._lock = threading.Lock()

    def reach(self, step: str) -> None:
        with self._lock:
            if step != self._step:
                return
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class Answerer:
    def __init__(self, target: Any, fate: Fate, slow_s: float) -> None:
        self._target = target
        self._fate = fate
        self._slow_s = slow_s

    def handle(self, event: Event) -> Sequence[Event]:
        sys.stdout.write(f"{json.dumps({'handling': event.event_id})}\n")
        sys.stdout.flush()
        time.sleep(self._slow_s)
        self._fate.reach("handled")
        return [dataclasses.replace(event, topic=self._target, event_id=f"answer-{event.event_id}", trace={})]


def main() -> int:
    told = json.loads(sys.argv[1])
    configure_logging(LogSettings(), "child", stream=sys.stderr)
    kafka = KafkaSettings.model_validate(told["kafka"])
    source = dataclasses.replace(CLIPS, name=told["source"], partitions=told["partitions"])
    target = dataclasses.replace(CLIPS, name=told["target"], partitions=told["partitions"])
    fate = Fate(told.get("die_at"), told.get("on_event", 0))

    class Client(KafkaConsumer):
        def poll(self, timeout: float = -1) -> Any:
            message = super().poll(timeout)
            if message is not None and message.error() is None:
                fate.reach("fetched")
            return message

        def commit(self, *args: Any, **options: Any) -> Any:
            answer = super().commit(*args, **options)
            fate.reach("committed")
            return answer

    class Outbox(KafkaProducer):
        def produce(self, *args: Any, **options: Any) -> None:
            super().produce(*args, **options)
            fate.reach("queued")

    class Sender(EventProducer):
        def send(self, events: Sequence[Event]) -> None:
            super().send(events)
            fate.reach("delivered")

    registry = CollectorRegistry()
    producer = Sender(kafka, connect=Outbox)
    consumer = Consumer(
        kafka,
        group=told["group"],
        topics=[source],
        handler=Answerer(target, fate, told.get("slow_s", 0)),
        producer=producer,
        metrics=RuntimeMetrics(registry),
        clock=SystemClock(),
        connect=Client,
    )
    operations = OperationsServer(OperationsSettings(port=0), registry=registry)
    return run_service([consumer], operations=operations, clock=SystemClock(), closing=[producer.close])


if __name__ == "__main__":
    sys.exit(main())
