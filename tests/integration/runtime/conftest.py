"""The two brokers, each started once; every test runs against both unless it says otherwise."""

from collections.abc import Iterator

import pytest

from homeward.shared.runtime.producer import EventProducer
from homeward.shared.settings import KafkaSettings
from support.broker import Broker
from support.kafka import running_kafka
from support.tansu import running_tansu

BROKERS = (pytest.param("tansu"), pytest.param("kafka", marks=pytest.mark.kafka))


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running_kafka(tmp_path_factory.mktemp("kafka")) as kafka:
        yield kafka


@pytest.fixture(scope="session")
def tansu_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running_tansu(tmp_path_factory.mktemp("tansu")) as tansu:
        yield tansu


@pytest.fixture(scope="session", params=BROKERS)
def broker(request: pytest.FixtureRequest) -> Broker:
    found: Broker = request.getfixturevalue(f"{request.param}_broker")
    return found


@pytest.fixture
def kafka(broker: Broker) -> KafkaSettings:
    return broker.kafka


@pytest.fixture
def producer(kafka: KafkaSettings) -> Iterator[EventProducer]:
    producer = EventProducer(kafka)
    yield producer
    producer.close()
