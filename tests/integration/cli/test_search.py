"""Following a search, to its end or to that of its authorisation."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from homeward.cli.__main__ import app
from homeward.cli.context import Context
from homeward.shared.events import Event, new_event
from homeward.shared.ids import search_message_id, state_event_id
from homeward.shared.instants import to_duration, to_timestamp
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.runtime.topics_admin import create_topics
from homeward.shared.settings import KafkaSettings, ObjectStoreSettings
from homeward.shared.topics import AUTHORISATIONS, SEARCH_TASKS, SIGHTINGS
from homewardapi.authorisation.v1.authorisation_pb2 import (
    AUTHORISATION_STATE_CLOSED,
    AUTHORISATION_STATE_OPEN,
    CLOSE_REASON_STOPPED,
    Authorisation,
)
from homewardapi.search.v1.search_pb2 import SearchPlanned, SearchTask, TaskCompleted
from support.tansu import running_tansu

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
OPEN, STOPPED = "5c69c023-78e8-46e3-8c6f-7f885f0c26c6", "9eebd92a-8a15-410e-b6fa-838553b15ff5"


def state(authorisation_id: str, *, closed: bool) -> Event:
    at = NOW + timedelta(minutes=5 if closed else 0)
    message = Authorisation(authorisation_id=authorisation_id, changed_at=to_timestamp(at))
    if closed:
        message.state, message.optional_close_reason = AUTHORISATION_STATE_CLOSED, CLOSE_REASON_STOPPED
    else:
        message.state, message.optional_token = AUTHORISATION_STATE_OPEN, "a.b.c"
    return new_event(AUTHORISATIONS, state_event_id("authorisation", authorisation_id, at), "test", at, message)


def planned(authorisation_id: str, tasks: int) -> Event:
    number = search_message_id(authorisation_id, "planned")
    plan = SearchPlanned(task_count=tasks, camera_time=to_duration(timedelta(hours=2)))
    return new_event(
        SEARCH_TASKS,
        number,
        "test",
        NOW,
        SearchTask(task_id=number, authorisation_id=authorisation_id, planned=plan),
    )


def completed(authorisation_id: str, task: int) -> Event:
    number = search_message_id(authorisation_id, "task", task)
    result = TaskCompleted(
        faces_compared=7, camera_time=to_duration(timedelta(hours=1)), completed_at=to_timestamp(NOW)
    )
    message = SearchTask(task_id=number, authorisation_id=authorisation_id, completed=result)
    return new_event(SEARCH_TASKS, f"{number}-done", "test", NOW, message)


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaSettings]:
    """A log in which one search is done and open, and another was stopped with one of its two tasks done."""
    with running_tansu(tmp_path_factory.mktemp("tansu")) as broker:
        create_topics(broker.kafka, [AUTHORISATIONS, SEARCH_TASKS, SIGHTINGS])
        producer = EventProducer(broker.kafka)
        for name in (OPEN, STOPPED):
            producer.send([state(name, closed=False), planned(name, 2), completed(name, 0)])
        producer.send([completed(OPEN, 1), state(STOPPED, closed=True)])
        producer.close()
        yield broker.kafka


@pytest.fixture
def search(kafka: KafkaSettings, tmp_path: Path) -> Callable[..., Result]:
    store = ObjectStoreSettings(endpoint="127.0.0.1:1", access_key=SecretStr("a"), secret_key=SecretStr("b"))
    targets = ("127.0.0.1:1", "127.0.0.1:1", "http://127.0.0.1:1")
    Context(kafka, store, *targets, tmp_path / "keys", tmp_path / "tls", {}).save(tmp_path)
    return lambda *words: CliRunner().invoke(app, ["search", *words, "--data", str(tmp_path)])


def test_a_search_that_is_done_tells_its_sum(search: Callable[..., Result]) -> None:
    told = search(OPEN)
    assert told.exit_code == 0, told.output
    assert "2.00 camera-hours, 14 faces compared, 0 candidates" in told.output
    assert "Nothing to review." in told.output


def test_a_search_that_was_closed_before_its_end_is_not_waited_for(search: Callable[..., Result]) -> None:
    begun = time.monotonic()
    told = search(STOPPED, "--timeout", "120")
    assert time.monotonic() - begun < 60
    assert told.exit_code == 1
    assert "1.00 camera-hours, 7 faces compared" in told.output
    assert "closed before all recordings were searched" in told.stderr


def test_an_unknown_authorisation_is_told(search: Callable[..., Result]) -> None:
    told = search("nobody")
    assert told.exit_code == 1
    assert "there is no authorisation nobody" in told.stderr
