"""Makes the topics that the table in `shared` names."""

from collections.abc import Iterable
from typing import Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from homeward.shared.clock import Clock, SystemClock
from homeward.shared.runtime.client import client_config, error_of
from homeward.shared.settings import KafkaSettings
from homeward.shared.telemetry.logging import get_logger
from homeward.shared.topics import Topic

_REQUEST_S: Final = 30.0
_POLL_S: Final = 0.1

_log = get_logger()


class TopicCreationError(Exception):
    """A topic could not be made; it names the topic and Kafka's code."""


def create_topics(
    kafka: KafkaSettings, topics: Iterable[Topic], *, replication_factor: int = -1, clock: Clock | None = None
) -> None:
    """Make each of `topics` that is not there, and return when the broker shows them all.

    One that is there is left as it is; when it has fewer or more partitions than the table says, that is logged.
    `replication_factor` -1 takes the broker's default. Raises TopicCreationError.
    """
    wanted = {topic.name: topic for topic in topics}
    clock = clock or SystemClock()
    admin = AdminClient(client_config(kafka, "homeward-topics"))
    missing = [topic for name, topic in wanted.items() if name not in _partitions(admin)]
    if missing:
        _create(admin, missing, replication_factor)
    _await(admin, wanted, clock)


def _create(admin: AdminClient, topics: list[Topic], replication_factor: int) -> None:
    requests = [
        NewTopic(
            topic.name,
            num_partitions=topic.partitions,
            replication_factor=replication_factor,
            config=dict(topic.config),
        )
        for topic in topics
    ]
    for name, future in admin.create_topics(requests, operation_timeout=_REQUEST_S).items():
        try:
            future.result()
        except KafkaException as exception:
            error = error_of(exception)
            # Somebody else may be making the same topics at this moment.
            if error.code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise TopicCreationError(f"{name}: {error.name()}") from exception


def _await(admin: AdminClient, wanted: dict[str, Topic], clock: Clock) -> None:
    ends_at = clock.monotonic() + _REQUEST_S
    while True:
        known = _partitions(admin)
        missing = sorted(wanted.keys() - known.keys())
        if not missing:
            break
        if clock.monotonic() >= ends_at:
            raise TopicCreationError(f"{', '.join(missing)}: not there {_REQUEST_S:.0f} s after it was made")
        clock.sleep(_POLL_S)
    for name, topic in wanted.items():
        if known[name] != topic.partitions:
            _log.warning("topic has another number of partitions", topic=name, partitions=known[name])


def _partitions(admin: AdminClient) -> dict[str, int]:
    try:
        topics = admin.list_topics(timeout=_REQUEST_S).topics
    except KafkaException as exception:
        raise TopicCreationError(f"no broker answers: {error_of(exception).name()}") from exception
    return {name: len(topic.partitions) for name, topic in topics.items() if topic.error is None and topic.partitions}
