"""How long a search of a hundred cameras' day takes to plan, on a log as long as a city writes it.

`make bench-planning`. The log is written at the rate of 6,500 cameras and is a fraction of a day; tasks are cut finer
by the same fraction, so that there are as many as a whole day makes. Real Kafka where Java and Maven are there, the
embedded broker otherwise.
"""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from confluent_kafka import Producer

from homeward.matching.adapters.log import ReplayedLog
from homeward.matching.authorisations import Authorisations
from homeward.matching.handler.planning import PlanningHandler
from homeward.matching.handler.tasks import WIDEST_TASK_MESSAGES
from homeward.matching.messages import Refusal
from homeward.shared import ids
from homeward.shared.authorisation import Verifier
from homeward.shared.clock import SystemClock
from homeward.shared.events import encode, new_event
from homeward.shared.instants import to_timestamp
from homeward.shared.runtime.partitioner import partition_of
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.runtime.replay import LogReader
from homeward.shared.runtime.topics_admin import create_topics
from homeward.shared.settings import KafkaSettings
from homeward.shared.topics import FACES, TOPICS
from homewardapi.face.v1.face_pb2 import DETECTION_OUTCOME_COMPLETE, ClipFaces
from homewardapi.model.v1.model_pb2 import ModelRef
from homewardapi.search.v1.search_pb2 import SearchTask
from measure import figure, publish, repeated
from support.authorisations import Authority, MovableClock, request
from support.kafka import running_kafka
from support.matching import opened
from support.tansu import running_tansu

_CAMERAS: Final = 6500
_SEARCHED: Final = 100
_CLIPS_A_DAY: Final = 8640
_FRACTION: Final = 240
"""A 240th of a day: six minutes, 234,000 messages."""


class Admitted:
    """In the place of the enrolment: every subject is enrolled already, and its photos cost nothing here."""

    def admit(self, _: object) -> Refusal | None:
        """Refuse nobody."""
        return None


@contextmanager
def broker(folder: Path) -> Iterator[tuple[str, KafkaSettings]]:
    """Yield a broker's name and how to reach it."""
    if shutil.which("java") and shutil.which("mvn"):
        with running_kafka(folder / "kafka") as kafka:
            yield "Apache Kafka", kafka.kafka
    else:
        with running_tansu(folder / "tansu") as tansu:
            yield "Tansu", tansu.kafka


def write_log(kafka: KafkaSettings, ends_at: datetime) -> int:
    """Write what all cameras tell in a fraction of a day that ends at `ends_at`; return how many messages."""
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "linger.ms": 50, "compression.type": "lz4"})
    rounds = _CLIPS_A_DAY // _FRACTION
    for number in range(rounds):
        starts_at = ends_at - (rounds - number) * timedelta(days=1) / _CLIPS_A_DAY
        for camera in range(_CAMERAS):
            camera_id = f"camera-{camera}"
            clip = _clip(camera_id, starts_at)
            record = encode(new_event(FACES, ids.faces_event_id(clip.clip_id), "benchmark", starts_at, clip))
            producer.produce(
                FACES.name,
                key=camera_id.encode(),
                value=record.value,
                headers=dict(record.headers),
                partition=partition_of(camera_id, FACES.partitions),
                timestamp=int(starts_at.timestamp() * 1000),
            )
            producer.poll(0)
    producer.flush(120)
    return rounds * _CAMERAS


def plan_s(kafka: KafkaSettings, authority: Authority) -> tuple[float, int]:
    """Return the seconds from the authorisation's event to the plan's last message on the log, and its tasks."""
    now = authority.clock.now()
    authorisation_id = ids.derived_id("benchmark", str(time.monotonic_ns()))
    asked = request(
        authorisation_id,
        camera_ids=[f"camera-{number}" for number in range(_SEARCHED)],
        window=(now - timedelta(hours=24), now + timedelta(hours=1)),
        lifetime=timedelta(hours=2),
    )
    producer = EventProducer(kafka)
    handler = PlanningHandler(
        authorisations=Authorisations(Verifier(authority.keys, SystemClock())),
        enrolment=Admitted(),  # type: ignore[arg-type]
        log=ReplayedLog(LogReader(kafka)),
        announcer=producer,
        clock=SystemClock(),
        task_messages=WIDEST_TASK_MESSAGES // _FRACTION,
        handover=timedelta(),
        ready=lambda: True,
    )
    event = opened(authorisation_id, authority.token(asked), now)
    try:
        begun = time.monotonic()
        events = handler.handle(event)
        producer.send(events)
        (planned,) = (event.message for event in events if isinstance(event.message, SearchTask))
        return time.monotonic() - begun, planned.planned.task_count
    finally:
        producer.close()


def _clip(camera_id: str, starts_at: datetime) -> ClipFaces:
    return ClipFaces(
        clip_id=ids.clip_id(camera_id, starts_at),
        camera_id=camera_id,
        starts_at=to_timestamp(starts_at),
        ends_at=to_timestamp(starts_at + timedelta(seconds=10)),
        frames_sampled=10,
        detector=ModelRef(name="yunet", sha256="00" * 32),
        outcome=DETECTION_OUTCOME_COMPLETE,
    )


def main() -> None:
    """Measure and publish."""
    now = datetime.now(UTC).replace(microsecond=0)
    authority = Authority(clock=MovableClock(now))
    with tempfile.TemporaryDirectory() as folder, broker(Path(folder)) as (name, kafka):
        create_topics(kafka, TOPICS.values())
        messages = write_log(kafka, now)
        tasks: list[int] = []

        def once() -> float:
            took_s, count = plan_s(kafka, authority)
            tasks.append(count)
            return took_s

        publish(
            figure(
                "search.plan_100_cameras_24h_s",
                repeated(once),
                unit="s",
                at_most=5,
                against=f"{name} in the same run",
                source=f"{messages} messages of {_CAMERAS} cameras in a {_FRACTION}th of a day, {tasks[0]} tasks as of "
                "a whole day; without enrolment and handover",
            )
        )


if __name__ == "__main__":
    main()
