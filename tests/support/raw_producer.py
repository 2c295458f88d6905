"""Putting any bytes on a topic, as somebody who does not use our codec would."""

from confluent_kafka import Producer

from homeward.shared.events import Record
from homeward.shared.settings import KafkaSettings


def produce_raw(kafka: KafkaSettings, topic: str, record: Record) -> None:
    """Write `record` to `topic` and return when it is delivered."""
    failures: list[object] = []
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "enable.metrics.push": False})
    producer.produce(
        topic,
        key=record.key,
        value=record.value,
        headers=dict(record.headers),
        on_delivery=lambda error, _: failures.append(error) if error is not None else None,
    )
    assert producer.flush(30) == 0
    assert failures == []
