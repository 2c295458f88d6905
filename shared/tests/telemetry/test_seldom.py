"""A broker that is away does not fill the disk with lines that say so."""

import logging

import pytest

from homeward.shared.telemetry.seldom import AGAIN_S, Seldom

LIBRARY = "homeward.librdkafka"
FAILED = "FAIL [detection#consumer-2] [thrd:192.0.2.7:9092/1]: connect failed (attempt {})"


def line(message: str, at_s: float, *, level: int = logging.ERROR, name: str = LIBRARY) -> logging.LogRecord:
    record = logging.LogRecord(name, level, "client.py", 1, message, (), None)
    record.created = at_s
    return record


@pytest.fixture
def seldom() -> Seldom:
    return Seldom(LIBRARY)


def test_what_is_repeated_is_said_once_in_a_while(seldom: Seldom) -> None:
    passed = [at for at in range(100) if seldom.filter(line(FAILED.format(at), 1000.0 + at))]
    assert passed == [0, 30, 60, 90]


def test_another_client_another_event_and_another_level_are_said_at_once(seldom: Seldom) -> None:
    assert seldom.filter(line(FAILED, 0))
    assert seldom.filter(line(FAILED.replace("consumer-2", "producer-1"), 1))
    assert seldom.filter(line(FAILED.replace("FAIL", "REQTMOUT"), 1))
    assert seldom.filter(line(FAILED, 1, level=logging.WARNING))
    assert not seldom.filter(line(FAILED, 1))


def test_other_loggers_repeat_themselves(seldom: Seldom) -> None:
    assert all(seldom.filter(line("clip stored", 1, name="homeward")) for _ in range(3))


def test_a_clock_that_was_set_back_silences_nothing(seldom: Seldom) -> None:
    assert seldom.filter(line(FAILED, 1000))
    assert seldom.filter(line(FAILED, 10))


def test_kinds_without_end_are_all_said_and_not_all_remembered(seldom: Seldom) -> None:
    assert all(seldom.filter(line(f"FAIL [client-{number}]", AGAIN_S)) for number in range(3000))
    assert len(seldom._passed) <= 1000
