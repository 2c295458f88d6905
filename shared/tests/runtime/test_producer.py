"""A send returns when everything is delivered, and raises in every other case."""

import threading
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from homeward.shared.runtime.client import WIDEST_MESSAGE_BYTES
from homeward.shared.runtime.producer import DeliveryError, EventProducer
from homeward.shared.settings import KafkaSettings
from homeward.shared.topics import CLIPS, TOPICS
from support.runtime_scene import clip_event

_KAFKA = KafkaSettings(bootstrap_servers="127.0.0.1:1")


class _Reported:
    def __init__(self, topic: str) -> None:
        self._topic = topic

    def topic(self) -> str:
        return self._topic


class _Client:
    """confluent-kafka's Producer without a broker: what is produced is reported at the next poll, as `verdict` says."""

    def __init__(self, verdict: Callable[[int], KafkaError | None] = lambda _: None) -> None:
        self.config: dict[str, Any] = {}
        self.produced: list[dict[str, Any]] = []
        self.full_for = 0
        self.silent = False
        self.fatal = False
        self._waiting: deque[tuple[Callable[..., None], int]] = deque()
        self._verdict = verdict
        self._tick = threading.Event()

    def connect(self, config: dict[str, Any]) -> "_Client":
        self.config = config
        return self

    def produce(self, topic: str, *, on_delivery: Callable[..., None], **record: Any) -> None:
        if self.full_for:
            self.full_for -= 1
            raise BufferError
        if self.fatal:
            raise KafkaException(KafkaError(KafkaError._FATAL))
        self.produced.append({"topic": topic, **record})
        self._waiting.append((on_delivery, len(self.produced) - 1))

    def poll(self, timeout: float = -1, /) -> int:
        self._tick.wait(min(timeout, 0.005))
        while self._waiting and not self.silent:
            on_delivery, index = self._waiting.popleft()
            on_delivery(self._verdict(index), _Reported(self.produced[index]["topic"]))
        return 0

    def flush(self, timeout: float = -1, /) -> int:
        del timeout
        return self.poll(0)


def _producer(client: _Client, **options: Any) -> EventProducer:
    return EventProducer(_KAFKA, connect=client.connect, **options)


def test_events_are_written_in_order_and_awaited() -> None:
    client = _Client()
    producer = _producer(client)
    producer.send([clip_event(CLIPS, index, "gate") for index in range(5)])
    ids = [dict(record["headers"])["ce_id"] for record in client.produced]
    assert ids == [f"clip-{index}".encode() for index in range(5)]
    producer.send([])
    producer.close()
    producer.close()
    with pytest.raises(DeliveryError, match="closed"):
        producer.send([clip_event(CLIPS, 0)])


def test_one_event_that_is_refused_fails_the_send_and_is_named_by_topic_and_code_alone() -> None:
    client = _Client(lambda index: KafkaError(KafkaError.MSG_SIZE_TOO_LARGE) if index == 3 else None)
    producer = _producer(client)
    with pytest.raises(DeliveryError) as caught:
        producer.send([clip_event(CLIPS, index) for index in range(5)])
    assert str(caught.value) == f"not delivered: 1 x {CLIPS.name}: MSG_SIZE_TOO_LARGE"
    producer.send([clip_event(CLIPS, 9)])
    producer.close()


def test_an_event_without_a_report_is_not_taken_for_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homeward.shared.runtime.producer._GRACE_S", 0.1)
    client = _Client()
    client.silent = True
    producer = _producer(client, delivery_timeout=timedelta(seconds=0.1))
    with pytest.raises(DeliveryError, match="2 x without a report"):
        producer.send([clip_event(CLIPS, 0), clip_event(CLIPS, 1)])
    producer.close()


def test_a_full_queue_is_waited_for_and_not_for_ever() -> None:
    client = _Client()
    client.full_for = 3
    producer = _producer(client, delivery_timeout=timedelta(seconds=0.5))
    producer.send([clip_event(CLIPS, 0)])
    client.full_for = 10**6
    with pytest.raises(DeliveryError, match="queue stayed full"):
        producer.send([clip_event(CLIPS, 1)])
    producer.close()


def test_a_producer_that_failed_for_good_says_so() -> None:
    client = _Client()
    client.fatal = True
    producer = _producer(client)
    with pytest.raises(DeliveryError, match="_FATAL"):
        producer.send([clip_event(CLIPS, 0)])
    producer.close()


def test_threads_send_at_once_and_each_hears_of_its_own() -> None:
    client = _Client(lambda index: KafkaError(KafkaError._MSG_TIMED_OUT) if index % 10 == 9 else None)
    producer = _producer(client)
    failures: list[int] = []

    def send(number: int) -> None:
        for index in range(20):
            try:
                producer.send([clip_event(CLIPS, number * 100 + index)])
            except DeliveryError:
                failures.append(number)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    producer.close()
    assert len(client.produced) == 100
    assert len(failures) == 10


@pytest.mark.parametrize("idempotence", [True, False])
def test_the_client_is_configured_to_lose_nothing_and_keep_the_order(*, idempotence: bool) -> None:
    client = _Client()
    kafka = _KAFKA.model_copy(update={"idempotence": idempotence})
    EventProducer(kafka, connect=client.connect).close()
    assert client.config["acks"] == "all"
    assert client.config["enable.idempotence"] is idempotence
    assert client.config.get("max.in.flight") == (None if idempotence else 1)
    assert client.config["partitioner"] == "murmur2_random"
    assert client.config["enable.metrics.push"] is False
    assert client.config["message.max.bytes"] == WIDEST_MESSAGE_BYTES
    assert max(topic.max_message_bytes for topic in TOPICS.values()) == WIDEST_MESSAGE_BYTES
