"""librdkafka's configuration and errors, said once for every client of ours."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException

from homeward.shared.clock import Clock
from homeward.shared.settings import KafkaSettings
from homeward.shared.telemetry.logging import get_logger
from homeward.shared.topics import TOPICS

LIBRDKAFKA_LOGGER: Final = "homeward.librdkafka"

WIDEST_MESSAGE_BYTES: Final = max(topic.max_message_bytes for topic in TOPICS.values())
"""The most that one message of ours may hold: a dead letter, which holds another topic's message whole."""

FETCH_WAIT_MS: Final = 100
"""How long a broker may hold a fetch open when nothing is there.

A partition that is assigned or resumed waits until the fetch under way is answered, so librdkafka's 500 ms would be
added to every table's start and to every event after a slow one."""

_RESERVED: Final = frozenset(
    {
        "acks",
        "auto.offset.reset",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "enable.idempotence",
        "enable.partition.eof",
        "group.id",
        "partition.assignment.strategy",
        "partitioner",
        "request.required.acks",
    }
)
"""Properties on which the promise "nothing is lost" stands; nobody tunes them."""

_SAY_AGAIN_S: Final = 30.0

_log = get_logger()

_ACCESS_ERRORS: Final = frozenset(
    {
        KafkaError._AUTHENTICATION,  # noqa: SLF001 - librdkafka's name of a public code
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
    }
)


class ClientConfigurationError(ValueError):
    """A property that a caller may not choose."""


class KafkaFailedError(Exception):
    """Kafka failed in a way that no retry by this client will mend: the service must stop. It names the code."""


def client_config(kafka: KafkaSettings, client_id: str, tuning: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the properties that every client shares, with the caller's `tuning` on top.

    `tuning` takes librdkafka's own names, such as session.timeout.ms. Raises ClientConfigurationError when it holds a
    property on which "nothing is lost" stands.
    """
    forbidden = sorted(_RESERVED & (tuning or {}).keys())
    if forbidden:
        raise ClientConfigurationError(f"{', '.join(forbidden)}: set by the runtime and not to be tuned")
    config: dict[str, Any] = {
        "bootstrap.servers": kafka.bootstrap_servers,
        "client.id": client_id,
        "security.protocol": kafka.security_protocol,
        # Brokers may ask clients to push telemetry (KIP-714); ours is scraped and pushes nothing.
        "enable.metrics.push": False,
        "logger": logging.getLogger(LIBRDKAFKA_LOGGER),
    }
    if kafka.ssl_ca_file is not None:
        config["ssl.ca.location"] = str(kafka.ssl_ca_file)
    if kafka.sasl_mechanism is not None:
        config["sasl.mechanism"] = kafka.sasl_mechanism
    if kafka.sasl_username is not None:
        config["sasl.username"] = kafka.sasl_username
    if kafka.sasl_password is not None:
        config["sasl.password"] = kafka.sasl_password.get_secret_value()
    return config | dict(tuning or {})


def reader_config(kafka: KafkaSettings, client_id: str) -> dict[str, Any]:
    """Return the properties of a client that reads from where it says and belongs to no group."""
    return client_config(kafka, client_id) | {
        # librdkafka wants a name although nothing joins or commits under it.
        "group.id": client_id,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        # The end of a fetch is the one end of the log that every broker tells rightly.
        "enable.partition.eof": True,
        "fetch.wait.max.ms": FETCH_WAIT_MS,
    }


def error_of(exception: KafkaException) -> KafkaError:
    """Return the KafkaError inside `exception`."""
    error = exception.args[0] if exception.args else None
    return error if isinstance(error, KafkaError) else KafkaError(KafkaError.UNKNOWN)


class Troubles:
    """Tells the log of errors that pass by themselves: each code at once, and again only after a while.

    While a broker is away, librdkafka reports every attempt of every connection.
    """

    def __init__(self, who: str, clock: Clock) -> None:
        self._who = who
        self._clock = clock
        self._told_at: dict[int, float] = {}

    def tell(self, error: KafkaError) -> None:
        """Log `error`, unless the same code was logged a short while ago. Safe to call from several threads."""
        now = self._clock.monotonic()
        told_at = self._told_at.get(error.code())
        if told_at is None or now - told_at >= _SAY_AGAIN_S:
            self._told_at[error.code()] = now
            _log.warning("kafka error", source=self._who, code=error.name())


def must_stop(error: KafkaError) -> bool:
    """Whether `error` is final for the client: librdkafka says so, or the service lacks a right it needs."""
    return error.fatal() or error.code() in _ACCESS_ERRORS
