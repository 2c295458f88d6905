"""What the behaviour suite works with: topics of a test's own, events, a handler's log, and looks into the broker."""

import json
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from confluent_kafka import Consumer as KafkaConsumer
from confluent_kafka import Producer as KafkaProducer
from confluent_kafka import TopicPartition
from prometheus_client import CollectorRegistry

from homeward.shared.clock import SystemClock
from homeward.shared.events import Event, new_event
from homeward.shared.instants import to_timestamp
from homeward.shared.runtime.backoff import Backoff
from homeward.shared.runtime.consumer import Consumer, connect_consumer
from homeward.shared.runtime.handler import Handler
from homeward.shared.runtime.producer import EventSender
from homeward.shared.runtime.replay import LogReader
from homeward.shared.runtime.topics_admin import create_topics
from homeward.shared.settings import KafkaSettings
from homeward.shared.telemetry.metrics import RuntimeMetrics
from homeward.shared.topics import CLIPS, DEAD_LETTERS, Topic
from homewardapi.clip.v1.clip_pb2 import GAP_CAUSE_CORRUPT, Clip, Gap

SOURCE: Final = "homeward/test"
START: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)
QUICK: Final = Backoff(timedelta(milliseconds=50), timedelta(milliseconds=400))


def clip_event(topic: Topic, index: int, camera_id: str | None = None) -> Event:
    """Return event number `index`, by default of one of seven cameras."""
    starts_at = START + timedelta(seconds=index)
    clip = Clip(
        clip_id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{topic.name} {index}")),
        camera_id=camera_id or f"camera-{index % 7}",
        starts_at=to_timestamp(starts_at),
        ends_at=to_timestamp(starts_at + timedelta(seconds=1)),
        gap=Gap(cause=GAP_CAUSE_CORRUPT),
    )
    return new_event(topic, f"clip-{index}", SOURCE, starts_at, clip)


def answer_to(event: Event, topic: Topic) -> Event:
    """Return what the suite's handlers make of an event: the same on `topic`, its id derived from the event's."""
    return replace(event, topic=topic, event_id=f"answer-{event.event_id}", trace={})


def await_that(condition: Callable[[], bool], within_s: float, what: str) -> None:
    ends_at = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > ends_at:
            raise AssertionError(f"not within {within_s:g} s: {what}")
        time.sleep(0.02)


@dataclass
class Log:
    """A handler that notes what it was given; `react` may raise or answer."""

    react: Callable[[Event], Sequence[Event]] = lambda _event: ()
    seen: list[str] = field(default_factory=list)

    def handle(self, event: Event) -> Sequence[Event]:
        self.seen.append(event.event_id)
        return self.react(event)


class Running:
    """A consumer on a thread, with what it raised and how often its group gave or took partitions."""

    def __init__(self, consumer: Consumer) -> None:
        self.consumer = consumer
        self.error: BaseException | None = None
        self.stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self.stop.set()
        self.join(40)

    def join(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)
        assert not self._thread.is_alive(), "the consumer did not stop"

    def _run(self) -> None:
        try:
            self.consumer.run(self.stop)
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            self.error = error


class Membership:
    """Counts a client's assignments and losses; hand `connect` to a Consumer."""

    def __init__(self) -> None:
        self.assigned = 0
        self.gone = 0

    def connect(self, config: dict[str, Any]) -> Any:
        membership = self

        class Client(KafkaConsumer):
            def subscribe(
                self, topics: list[str], on_assign: Any = None, on_revoke: Any = None, on_lost: Any = None
            ) -> None:
                callbacks = {"on_assign": on_assign, "on_revoke": on_revoke, "on_lost": on_lost}

                def given(client: Any, partitions: list[TopicPartition]) -> None:
                    membership.assigned += 1
                    callbacks["on_assign"](client, partitions)

                def on_gone(name: str) -> Callable[[Any, list[TopicPartition]], None]:
                    def gone(client: Any, partitions: list[TopicPartition]) -> None:
                        membership.gone += 1
                        callbacks[name](client, partitions)

                    return gone

                super().subscribe(topics, on_assign=given, on_revoke=on_gone("on_revoke"), on_lost=on_gone("on_lost"))

        return Client(config)


@dataclass(frozen=True)
class Scene:
    """A broker with a topic in and a topic out, both of this test alone, and a group's name."""

    kafka: KafkaSettings
    source: Topic
    target: Topic
    group: str
    registry: CollectorRegistry
    metrics: RuntimeMetrics

    @classmethod
    def on(cls, kafka: KafkaSettings, partitions: int = 3) -> "Scene":
        name = uuid.uuid4().hex[:12]
        source = replace(CLIPS, name=f"test.{name}.in", partitions=partitions)
        target = replace(CLIPS, name=f"test.{name}.out", partitions=partitions)
        create_topics(kafka, [source, target, DEAD_LETTERS])
        registry = CollectorRegistry()
        return cls(kafka, source, target, f"group-{name}", registry, RuntimeMetrics(registry))

    def consumer(
        self,
        handler: Handler,
        producer: EventSender,
        *,
        tuning: dict[str, Any] | None = None,
        connect: Callable[[dict[str, Any]], Any] = connect_consumer,
    ) -> Consumer:
        return Consumer(
            self.kafka,
            group=self.group,
            topics=[self.source],
            handler=handler,
            producer=producer,
            metrics=self.metrics,
            clock=SystemClock(),
            source=SOURCE,
            backoff=QUICK,
            tuning=tuning,
            connect=connect,
        )

    @contextmanager
    def running(self, handler: Handler, producer: EventSender, **options: Any) -> Iterator[Running]:
        running = Running(self.consumer(handler, producer, **options))
        try:
            yield running
        finally:
            running.end()

    def answers(self) -> list[str]:
        """Return the ids on the topic out."""
        return [event.event_id for event in everything(self.kafka, self.target)]

    def committed(self) -> int:
        """Return how many records the group has committed, over all partitions."""
        return committed(self.kafka, self.group, self.source)

    def counted(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


def everything(kafka: KafkaSettings, topic: Topic) -> list[Event]:
    """Return every event of a topic, partition by partition."""
    reader = LogReader(kafka)
    found: list[Event] = []
    for partition in reader.partitions(topic):
        first, end = reader.span(topic, partition, START - timedelta(days=365), datetime.now(UTC) + timedelta(days=1))
        found += reader.read(topic, partition, first, end)
    return found


def committed(kafka: KafkaSettings, group: str, topic: Topic) -> int:
    client = KafkaConsumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": group})
    try:
        partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        return sum(max(0, one.offset) for one in client.committed(partitions, timeout=20))
    finally:
        client.close()


def dead_letters_of(kafka: KafkaSettings, group: str) -> list[Any]:
    """Return the dead letters of one group."""
    letters: list[Any] = [event.message for event in everything(kafka, DEAD_LETTERS)]
    return [letter for letter in letters if letter.consumer_group == group]


def publish_raw(
    kafka: KafkaSettings,
    topic: Topic,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes | None]],
    *,
    partition: int = 0,
) -> None:
    """Write one record as it is, ours or not."""
    producer = KafkaProducer({"bootstrap.servers": kafka.bootstrap_servers, "message.max.bytes": 8 * 1024 * 1024})
    producer.produce(topic.name, key=key, value=value, headers=list(headers), partition=partition)
    assert producer.flush(20) == 0


class Child:
    """`runtime_child.py` as a process; its lines are read as they come."""

    def __init__(self, scene: Scene, **options: Any) -> None:
        told = {
            "kafka": scene.kafka.model_dump(mode="json"),
            "source": scene.source.name,
            "target": scene.target.name,
            "partitions": scene.source.partitions,
            "group": scene.group,
            **options,
        }
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("runtime_child.py"), json.dumps(told)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.handled: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def terminate(self) -> None:
        self._process.terminate()

    def wait(self, within_s: float) -> int:
        """Return the exit status, a signal's number negated."""
        status = self._process.wait(within_s)
        self._reader.join()
        return status

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def _read(self) -> None:
        with self._process.stdout or nullcontext() as lines:
            for line in lines or ():
                self.handled.append(json.loads(line)["handling"])
