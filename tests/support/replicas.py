"""Replicas of matching in one process: they share a broker and a store of templates, and nothing else."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from homeward.matching.adapters.log import ReplayedLog
from homeward.matching.adapters.qdrant import QdrantSubjects
from homeward.matching.handler.planning import PlanningHandler
from homeward.matching.handler.tasks import TaskHandler
from homeward.shared.clock import SystemClock
from homeward.shared.events import Event
from homeward.shared.runtime.consumer import Consumer
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.runtime.replay import LogReader
from homeward.shared.runtime.topics_admin import create_topics
from homeward.shared.settings import KafkaSettings
from homeward.shared.telemetry.metrics import RuntimeMetrics
from homeward.shared.topics import SEARCH_TASKS, TOPICS
from homewardapi.search.v1.search_pb2 import SearchTask
from support.authorisations import AUTHORISATION_ID, Authority, MovableClock, request
from support.matching import FakeEmbedder, World, clip, faces_event, opened
from support.tansu import running_tansu

TASKS_AT_ONCE: Final = 2
CAMERAS: Final = 24
FACES_A_CLIP: Final = 1
TASK_MESSAGES: Final = 4
_PATIENCE_S: Final = 120
_CLIP: Final = timedelta(seconds=10)


@dataclass
class Replica:
    """One replica's tasks: what it compared is counted, and none begins before `go`."""

    handler: TaskHandler
    go: threading.Event
    faces: int = 0
    tasks: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def handle(self, event: Event) -> Sequence[Event]:
        """Do a task as the service would."""
        assert self.go.wait(_PATIENCE_S)
        events = self.handler.handle(event)
        for one in events:
            if isinstance(one.message, SearchTask) and one.message.HasField("completed"):
                with self._lock:
                    self.faces += one.message.completed.faces_compared
                    self.tasks += 1
        return events


@dataclass(frozen=True)
class Run:
    """One search of all the recordings: how long it took, and the faces that each replica compared."""

    seconds: float
    faces: list[int]
    tasks: int


def searched(folder: Path, replicas: int, *, clips: int, embeds_in: timedelta) -> Run:
    """Search `clips` of each of CAMERAS with so many replicas, whose embedders take `embeds_in` a crop each."""
    now = datetime.now(UTC).replace(microsecond=0)
    authority = Authority(clock=MovableClock(now))
    subjects = QdrantSubjects.in_memory()
    with running_tansu(folder) as tansu:
        create_topics(tansu.kafka, TOPICS.values())
        producer, go = EventProducer(tansu.kafka), threading.Event()
        token, count = _open(tansu.kafka, producer, World(subjects, authority), now, clips)
        event = opened(AUTHORISATION_ID, token, now)
        working = []
        for _ in range(replicas):
            embedder = FakeEmbedder(before_answer=lambda: time.sleep(embeds_in.total_seconds()))
            world = World(subjects, authority, embedder=embedder)
            world.authorisations.apply(event.key, event.message)
            working.append(Replica(_handler(tansu.kafka, producer, world), go))
        with _consuming(tansu.kafka, producer, working):
            begun = time.monotonic()
            go.set()
            while sum(one.tasks for one in working) < count:
                assert time.monotonic() - begun < _PATIENCE_S, "the search does not end"
                time.sleep(0.01)
            seconds = time.monotonic() - begun
        producer.close()
    subjects.close()
    return Run(seconds, [one.faces for one in working], count)


def _open(kafka: KafkaSettings, producer: EventProducer, world: World, now: datetime, clips: int) -> tuple[str, int]:
    """Record the cameras, enrol the subject and give out the tasks; return the token and how many tasks there are."""
    cameras = [f"camera-{number}" for number in range(CAMERAS)]
    begins = now - timedelta(hours=1)
    for number in range(clips):
        seen = [clip(camera, begins + number * _CLIP, [5] * FACES_A_CLIP, crops=1) for camera in cameras]
        producer.send([faces_event(one, now) for one in seen])
    window = (now - timedelta(hours=2), now + timedelta(hours=1))
    token = world.authority.token(request(AUTHORISATION_ID, camera_ids=cameras, window=window))
    planning = PlanningHandler(
        authorisations=world.authorisations,
        enrolment=world.enrolment,
        log=ReplayedLog(LogReader(kafka)),
        announcer=producer,
        clock=SystemClock(),
        task_messages=TASK_MESSAGES,
        handover=timedelta(),
        ready=lambda: True,
    )
    (planned,) = planning.handle(opened(AUTHORISATION_ID, token, now))
    assert isinstance(planned.message, SearchTask)
    return token, planned.message.planned.task_count


def _handler(kafka: KafkaSettings, producer: EventProducer, world: World) -> TaskHandler:
    return TaskHandler(
        authorisations=world.authorisations,
        comparison=world.comparison,
        log=ReplayedLog(LogReader(kafka)),
        announcer=producer,
        records=world.records,
        clock=world.clock,
        meter=world.meter,
        task_faces=200,
        ready=lambda: True,
    )


@contextmanager
def _consuming(kafka: KafkaSettings, producer: EventProducer, working: Sequence[Replica]) -> Iterator[None]:
    """Have every replica take tasks; yield once each of their consumers has its partitions."""
    stop, metrics = threading.Event(), RuntimeMetrics(CollectorRegistry())
    consumers = [
        Consumer(
            kafka,
            group="matching",
            topics=[SEARCH_TASKS],
            handler=replica,
            producer=producer,
            metrics=metrics,
            clock=SystemClock(),
        )
        for replica in working
        for _ in range(TASKS_AT_ONCE)
    ]
    threads = [threading.Thread(target=consumer.run, args=(stop,)) for consumer in consumers]
    for thread in threads:
        thread.start()
    try:
        begun = time.monotonic()
        while not all(consumer.ready() for consumer in consumers):
            assert time.monotonic() - begun < _PATIENCE_S, "the replicas do not join"
            time.sleep(0.05)
        # A member that joined may still be told to give partitions up to the last that came.
        time.sleep(3)
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
