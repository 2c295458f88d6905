"""The log as an archive: spans of time and what is in them."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from confluent_kafka import Producer as KafkaProducer
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from prometheus_client import CollectorRegistry

from homeward.shared.events import encode
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.runtime.replay import CLOCK_SKEW, LogReader, LogReadError
from homeward.shared.runtime.topics_admin import create_topics
from homeward.shared.settings import KafkaSettings
from homeward.shared.telemetry.metrics import RuntimeMetrics
from homeward.shared.topics import CLIPS, Topic
from support.broker import Broker
from support.runtime_scene import START, clip_event, publish_raw

_MINUTE = timedelta(minutes=1)
_COUNT = 600


@pytest.fixture
def topic(kafka: KafkaSettings) -> Topic:
    topic = replace(CLIPS, name=f"test.{uuid.uuid4().hex[:12]}.archive", partitions=2)
    create_topics(kafka, [topic])
    return topic


def _publish_at(kafka: KafkaSettings, topic: Topic, times: Sequence[datetime], partition: int = 0) -> None:
    """Write event 0, 1, ... with the given times as the records' own."""
    producer = KafkaProducer({"bootstrap.servers": kafka.bootstrap_servers})
    for index, at in enumerate(times):
        record = encode(clip_event(topic, index))
        producer.produce(
            topic.name,
            key=record.key,
            value=record.value,
            headers=list(record.headers),
            partition=partition,
            timestamp=int(at.timestamp() * 1000),
        )
    assert producer.flush(30) == 0


@pytest.mark.parametrize(
    ("since_minute", "until_minute"),
    [(0, _COUNT), (100, 110), (0, 1), (_COUNT - 1, _COUNT), (-50, -40), (_COUNT + 5, _COUNT + 9), (-9, 9), (595, 700)],
)
def test_a_span_holds_every_record_of_the_window_and_few_around_it(
    archive: tuple[KafkaSettings, Topic], since_minute: int, until_minute: int
) -> None:
    kafka, topic = archive
    reader = LogReader(kafka)
    first, end = reader.span(topic, 0, START + since_minute * _MINUTE, START + until_minute * _MINUTE)
    wanted = [index for index in range(_COUNT) if since_minute <= index < until_minute]
    assert set(wanted) <= set(range(first, end))
    around = CLOCK_SKEW // _MINUTE + 1
    assert first >= min(_COUNT, max(0, since_minute - around))
    assert end <= max(first, min(_COUNT, max(0, until_minute + around)))
    assert [event.event_id for event in reader.read(topic, 0, first, end)] == [f"clip-{i}" for i in range(first, end)]


@pytest.fixture(scope="module")
def archive(broker: Broker) -> tuple[KafkaSettings, Topic]:
    """A record a minute for ten hours, in one partition."""
    kafka = broker.kafka
    topic = replace(CLIPS, name=f"test.{uuid.uuid4().hex[:12]}.archive", partitions=1)
    create_topics(kafka, [topic])
    _publish_at(kafka, topic, [START + index * _MINUTE for index in range(_COUNT)])
    return kafka, topic


def test_times_a_little_out_of_order_lose_no_record(kafka: KafkaSettings, topic: Topic) -> None:
    """Two publishers whose clocks differ by 50 s write in turn."""
    times = [START + index * timedelta(seconds=5) - (index % 2) * timedelta(seconds=50) for index in range(400)]
    _publish_at(kafka, topic, times)
    reader = LogReader(kafka)
    for since, until in ((100, 300), (700, 1500), (1990, 2000)):
        window = (START + timedelta(seconds=since), START + timedelta(seconds=until))
        first, end = reader.span(topic, 0, *window)
        wanted = [index for index, at in enumerate(times) if window[0] <= at < window[1]]
        assert set(wanted) <= set(range(first, end))


def test_an_empty_partition_has_an_empty_span(kafka: KafkaSettings, topic: Topic) -> None:
    reader = LogReader(kafka)
    assert reader.partitions(topic) == [0, 1]
    assert reader.span(topic, 1, START, START + _MINUTE) == (0, 0)
    assert list(reader.read(topic, 1, 0, 0)) == []


def test_a_key_is_in_the_partition_where_the_reader_looks_for_it(kafka: KafkaSettings, producer: EventProducer) -> None:
    topic = replace(CLIPS, name=f"test.{uuid.uuid4().hex[:12]}.keys", partitions=7)
    create_topics(kafka, [topic])
    cameras = [f"camera-{'x' * index}" for index in range(1, 12)]
    producer.send([clip_event(topic, index, camera) for index, camera in enumerate(cameras)])
    reader = LogReader(kafka)
    for index, camera in enumerate(cameras):
        partition = reader.partition_of(topic, camera)
        first, end = reader.span(topic, partition, START, datetime.now(START.tzinfo) + timedelta(days=400))
        assert f"clip-{index}" in [event.event_id for event in reader.read(topic, partition, first, end)]


def test_a_record_that_cannot_be_decoded_is_passed_over_and_counted(kafka: KafkaSettings, topic: Topic) -> None:
    publish_raw(kafka, topic, b"camera-1", b"\xff", [])
    publish_raw(kafka, topic, b"camera-1", None, [])
    _publish_at(kafka, topic, [START])
    registry = CollectorRegistry()
    reader = LogReader(kafka, metrics=RuntimeMetrics(registry))
    assert [event.event_id for event in reader.read(topic, 0, 0, 3)] == ["clip-0"]
    assert registry.get_sample_value("homeward_records_passed_over_total", {"topic": topic.name}) == 2


def test_a_log_that_ends_too_soon_is_an_error_and_not_a_short_answer(kafka: KafkaSettings, topic: Topic) -> None:
    _publish_at(kafka, topic, [START, START])
    read = LogReader(kafka).read(topic, 0, 0, 3)
    assert [next(read).event_id, next(read).event_id] == ["clip-0", "clip-1"]
    with pytest.raises(LogReadError, match="ends before offset 3"):
        next(read)


def test_a_topic_that_is_not_there_and_a_broker_that_is_not_there_are_errors(kafka: KafkaSettings) -> None:
    nowhere = replace(CLIPS, name="test.not-there")
    with pytest.raises(LogReadError):
        LogReader(kafka).partitions(nowhere)
    gone = LogReader(KafkaSettings(bootstrap_servers="127.0.0.1:1"), patience=timedelta(seconds=1))
    with pytest.raises(LogReadError, match="within 1 s"):
        gone.span(CLIPS, 0, START, START + _MINUTE)


def test_two_reads_at_the_same_time_do_not_disturb_each_other(kafka: KafkaSettings, topic: Topic) -> None:
    _publish_at(kafka, topic, [START] * 50)
    reader = LogReader(kafka)
    pairs = list(zip(reader.read(topic, 0, 0, 40), reader.read(topic, 0, 10, 50), strict=True))
    assert [(one.event_id, two.event_id) for one, two in pairs] == [(f"clip-{i}", f"clip-{i + 10}") for i in range(40)]


def test_a_read_may_ask_for_some_keys_alone(kafka: KafkaSettings, topic: Topic) -> None:
    _publish_at(kafka, topic, [START] * 50)
    reader = LogReader(kafka)
    every = list(reader.read(topic, 0, 0, 50))
    key = every[3].key
    assert [one.event_id for one in reader.read(topic, 0, 0, 50, keys={key})] == [
        one.event_id for one in every if one.key == key
    ]
    assert not list(reader.read(topic, 0, 0, 50, keys={"nobody"}))


@pytest.mark.kafka
def test_a_replay_begins_where_retention_left_the_log(kafka_broker: Broker) -> None:
    """Tansu deletes no records."""
    kafka = kafka_broker.kafka
    topic = replace(CLIPS, name=f"test.{uuid.uuid4().hex[:12]}.cut", partitions=1)
    create_topics(kafka, [topic])
    _publish_at(kafka, topic, [START + index * _MINUTE for index in range(100)])
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    for future in admin.delete_records([TopicPartition(topic.name, 0, 40)]).values():
        future.result(20)
    reader = LogReader(kafka)
    assert reader.span(topic, 0, START, START + 100 * _MINUTE) == (40, 100)
    assert reader.span(topic, 0, START, START + 10 * _MINUTE) == (40, 40)
    assert [event.event_id for event in reader.read(topic, 0, 0, 42)] == ["clip-40", "clip-41"]
