from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from homeward.access.database.database import Database
from homeward.access.outbox.outbox import OutboxPublisher, enqueue
from homeward.shared.events import Event
from homeward.shared.runtime.producer import DeliveryError
from homeward.shared.topics import AUTHORISATIONS, HOLDS
from support import access_world, examples

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Sent:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self.away = False

    def send(self, events: Sequence[Event]) -> None:
        if self.away:
            raise DeliveryError("away")
        self.events.extend(events)


@pytest.fixture
def database() -> Database:
    return access_world.database()


def test_what_is_committed_goes_out_in_order_and_once(database: Database) -> None:
    sent = Sent()
    publisher = OutboxPublisher(database, sent)
    events = [examples.example(AUTHORISATIONS), examples.example(HOLDS)]
    with database.begin() as session:
        enqueue(session, *events)
    assert publisher.publish()
    assert not publisher.publish()
    assert [(event.topic, event.event_id, event.key, event.message) for event in sent.events] == [
        (event.topic, event.event_id, event.key, event.message) for event in events
    ]


def test_what_is_rolled_back_never_goes_out(database: Database) -> None:
    sent = Sent()

    def decide() -> None:
        with database.begin() as session:
            enqueue(session, examples.example(HOLDS))
            raise RuntimeError("the decision failed")

    with pytest.raises(RuntimeError, match="the decision failed"):
        decide()
    assert not OutboxPublisher(database, sent).publish()
    assert sent.events == []


def test_what_is_not_acknowledged_is_sent_again(database: Database) -> None:
    sent = Sent()
    sent.away = True
    publisher = OutboxPublisher(database, sent)
    with database.begin() as session:
        enqueue(session, examples.example(HOLDS))
    with pytest.raises(DeliveryError):
        publisher.publish()
    sent.away = False
    assert publisher.publish()
    assert len(sent.events) == 1
