"""What the embedded broker gets wrong, or does not check, and real Kafka shows."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its stubs do not re-export them
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from homeward.shared.runtime.producer import DeliveryError, EventProducer
from homeward.shared.runtime.topics_admin import TopicCreationError, create_topics
from homeward.shared.settings import KafkaSettings
from homeward.shared.topics import DEAD_LETTERS, TOPICS, Topic
from support.broker import Broker
from support.runtime_scene import Log, Scene, await_that, clip_event, dead_letters_of, publish_raw

pytestmark = pytest.mark.kafka


@pytest.fixture
def kafka(kafka_broker: Broker) -> KafkaSettings:
    return kafka_broker.kafka


def test_every_topic_is_made_with_its_own_configuration(kafka: KafkaSettings) -> None:
    create_topics(kafka, TOPICS.values())
    create_topics(kafka, TOPICS.values())
    for topic in TOPICS.values():
        config = _config(kafka, topic)
        assert {name: config[name] for name in topic.config} == dict(topic.config)
    known = AdminClient({"bootstrap.servers": kafka.bootstrap_servers}).list_topics(timeout=20).topics
    assert {name: len(known[name].partitions) for name in TOPICS} == {
        name: topic.partitions for name, topic in TOPICS.items()
    }


def test_a_topic_that_cannot_be_made_is_named(kafka: KafkaSettings) -> None:
    topic = replace(DEAD_LETTERS, name="not a name")
    with pytest.raises(TopicCreationError, match="not a name"):
        create_topics(kafka, [topic])


def test_dead_letters_that_the_broker_refuses_leave_the_offset_uncommitted(kafka: KafkaSettings) -> None:
    scene = Scene.on(kafka, partitions=1)
    producer = EventProducer(kafka)
    producer.send([clip_event(scene.source, 0)])
    publish_raw(kafka, scene.source, b"camera-1", b"\xff", [])
    with _narrow(kafka, DEAD_LETTERS), scene.running(Log(), producer) as running:
        running.join(60)
    assert isinstance(running.error, DeliveryError)
    assert "MSG_SIZE_TOO_LARGE" in str(running.error)
    assert scene.committed() == 1
    with scene.running(Log(), producer):
        await_that(lambda: scene.committed() == 2, 30, "the poison committed")
    assert len(dead_letters_of(kafka, scene.group)) == 1
    producer.close()


def test_an_event_for_a_topic_that_is_not_there_is_not_delivered(kafka: KafkaSettings) -> None:
    # librdkafka waits for half a minute for a topic that may just have been made.
    producer = EventProducer(kafka, tuning={"topic.metadata.propagation.max.ms": 1000})
    topic = replace(DEAD_LETTERS, name=f"test.{uuid.uuid4().hex}")
    scene = Scene.on(kafka)
    with pytest.raises(DeliveryError, match="UNKNOWN_TOPIC"):
        producer.send([replace(clip_event(scene.source, 0), topic=topic)])
    # A topic that is there still takes events.
    producer.send([clip_event(scene.source, 1)])
    producer.close()
    with pytest.raises(DeliveryError, match="closed"):
        producer.send([clip_event(scene.source, 2)])


@contextmanager
def _narrow(kafka: KafkaSettings, topic: Topic) -> Iterator[None]:
    """Let `topic` take no message for a while."""
    _set(kafka, topic, {"max.message.bytes": "10"})
    try:
        yield
    finally:
        _set(kafka, topic, topic.config)


def _set(kafka: KafkaSettings, topic: Topic, config: Mapping[str, str]) -> None:
    entries = [ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in config.items()]
    resource = ConfigResource(ResourceType.TOPIC, topic.name, incremental_configs=entries)
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(20)
    await_that(lambda: _config(kafka, topic)["max.message.bytes"] == config["max.message.bytes"], 20, "configured")


def _config(kafka: KafkaSettings, topic: Topic) -> dict[str, str]:
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    (future,) = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic.name)]).values()
    return {name: entry.value for name, entry in future.result(20).items()}
