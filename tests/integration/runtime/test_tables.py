"""A compacted topic read as a table."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from google.protobuf.message import Message
from prometheus_client import CollectorRegistry

from homeward.shared.events import Event, new_event, removal
from homeward.shared.instants import to_duration, to_timestamp
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.runtime.table import TableReader
from homeward.shared.runtime.topics_admin import create_topics
from homeward.shared.settings import KafkaSettings
from homeward.shared.telemetry.metrics import RuntimeMetrics
from homeward.shared.topics import CAMERAS, CLIPS, Topic
from homewardapi.camera.v1.camera_pb2 import Camera, Source
from support.broker import Broker
from support.runtime_scene import SOURCE, START, await_that, publish_raw

_PATIENCE = timedelta(seconds=30)


def _state(topic: Topic, camera_id: str, name: str) -> Event:
    camera = Camera(
        camera_id=camera_id,
        display_name=name,
        source=Source(url="rtsp://127.0.0.1/1"),
        clip_length=to_duration(timedelta(seconds=10)),
        changed_at=to_timestamp(START),
    )
    return new_event(topic, f"{camera_id} {name}", SOURCE, START, camera)


def _gone(topic: Topic, camera_id: str) -> Event:
    return removal(topic, f"{camera_id} gone", SOURCE, START, camera_id)


class _Table:
    def __init__(self) -> None:
        self.rows: dict[str, str] = {}
        self.changes: list[tuple[str, str | None]] = []

    def change(self, key: str, message: Message | None) -> None:
        name = None if message is None else str(getattr(message, "display_name"))  # noqa: B009 - a Message has no such
        self.changes.append((key, name))
        if name is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = name


@pytest.fixture
def topic(kafka: KafkaSettings) -> Topic:
    topic = replace(CAMERAS, name=f"test.{uuid.uuid4().hex[:12]}.cameras", partitions=4)
    create_topics(kafka, [topic])
    return topic


@contextmanager
def _reading(reader: TableReader) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=reader.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()


def test_a_table_is_read_whole_then_followed_and_forgets_what_was_removed(
    kafka: KafkaSettings, producer: EventProducer, topic: Topic
) -> None:
    producer.send(
        [
            *(_state(topic, f"camera-{index}", "old") for index in range(20)),
            *(_state(topic, f"camera-{index}", "new") for index in range(10)),
            *(_gone(topic, f"camera-{index}") for index in range(5)),
            _state(topic, "camera-0", "back"),
        ]
    )
    table = _Table()
    reader = TableReader(kafka, topic, table.change)
    assert not reader.ready()
    with _reading(reader):
        assert reader.caught_up(_PATIENCE)
        assert reader.ready()
        assert table.rows == {
            "camera-0": "back",
            **{f"camera-{index}": "new" for index in range(5, 10)},
            **{f"camera-{index}": "old" for index in range(10, 20)},
        }
        producer.send([_gone(topic, "camera-7"), _state(topic, "camera-30", "later")])
        await_that(lambda: table.rows.get("camera-30") == "later", 20, "a change is followed")
        await_that(lambda: "camera-7" not in table.rows, 20, "a removal is followed")
    states = [name for key, name in table.changes if key == "camera-0"]
    assert states[-4:] == ["old", "new", None, "back"]


def test_an_empty_table_is_caught_up_with_at_once(kafka: KafkaSettings, topic: Topic) -> None:
    table = _Table()
    reader = TableReader(kafka, topic, table.change)
    with _reading(reader):
        assert reader.caught_up(_PATIENCE)
    assert table.rows == {}


def test_a_table_whose_topic_comes_later_waits_for_it(kafka: KafkaSettings, producer: EventProducer) -> None:
    topic = replace(CAMERAS, name=f"test.{uuid.uuid4().hex[:12]}.later", partitions=1)
    table = _Table()
    reader = TableReader(kafka, topic, table.change)
    with _reading(reader):
        assert not reader.caught_up(timedelta(seconds=1))
        create_topics(kafka, [topic])
        producer.send([_state(topic, "camera-1", "here")])
        await_that(lambda: table.rows == {"camera-1": "here"}, 20, "the state")


def test_a_state_that_cannot_be_read_is_passed_over_and_counted(
    kafka: KafkaSettings, producer: EventProducer, topic: Topic
) -> None:
    producer.send([_state(topic, "camera-1", "good")])
    for partition in range(topic.partitions):
        publish_raw(kafka, topic, b"camera-1", b"\xff", [], partition=partition)
    registry = CollectorRegistry()
    table = _Table()
    reader = TableReader(kafka, topic, table.change, metrics=RuntimeMetrics(registry))
    with _reading(reader):
        assert reader.caught_up(_PATIENCE)
    assert table.rows == {"camera-1": "good"}
    assert registry.get_sample_value("homeward_records_passed_over_total", {"topic": topic.name}) == 4


def test_what_on_change_raises_stops_the_reader(kafka: KafkaSettings, producer: EventProducer, topic: Topic) -> None:
    producer.send([_state(topic, "camera-1", "good")])

    def refuse(_: str, __: Message | None) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        TableReader(kafka, topic, refuse).run(threading.Event())


def test_a_topic_that_is_not_compacted_has_no_table(kafka: KafkaSettings) -> None:
    with pytest.raises(ValueError, match="not compacted"):
        TableReader(kafka, CLIPS, lambda *_: None)


@pytest.mark.kafka
def test_a_compacted_table_reads_the_same(kafka_broker: Broker) -> None:
    """Tansu does not compact; on Kafka the cleaner has thrown most records away before the table is read."""
    kafka = kafka_broker.kafka
    topic = replace(CAMERAS, name=f"test.{uuid.uuid4().hex[:12]}.compacted", partitions=1)
    quick = {
        "cleanup.policy": "compact",
        "segment.ms": "200",
        "min.cleanable.dirty.ratio": "0.001",
        "max.compaction.lag.ms": "300",
        "delete.retention.ms": "0",
    }
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    for future in admin.create_topics([NewTopic(topic.name, 1, 1, config=quick)]).values():
        future.result(20)
    producer = EventProducer(kafka)
    producer.send([_state(topic, f"camera-{index % 3}", f"state {index}") for index in range(60)])
    producer.send([_gone(topic, "camera-1")])

    def changes() -> int:
        producer.send([_state(topic, "camera-9", "roll the segment")])
        table = _Table()
        reader = TableReader(kafka, topic, table.change)
        with _reading(reader):
            assert reader.caught_up(_PATIENCE)
        assert table.rows == {"camera-0": "state 57", "camera-2": "state 59", "camera-9": "roll the segment"}
        return len(table.changes)

    await_that(lambda: changes() < 30, 60, "the cleaner has run")
    producer.close()
