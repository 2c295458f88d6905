"""Puts events beside the decision that they tell, and sends them on once it is committed."""

import threading
from collections.abc import Sequence
from typing import Final, Protocol

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from homeward.access.database.database import Database, DatabaseAwayError
from homeward.access.outbox.tables import OutboxRow
from homeward.shared.events import Event
from homeward.shared.runtime.producer import DeliveryError
from homeward.shared.telemetry.logging import get_logger
from homeward.shared.topics import TOPICS

SOURCE: Final = "homeward/access"

_BATCH: Final = 100
_LOOK_S: Final = 1.0
_AGAIN_S: Final = 1.0

_log = get_logger()


class Events(Protocol):
    """Where events go."""

    def send(self, events: Sequence[Event]) -> None:
        """Return when every event is delivered; raise the runtime's DeliveryError otherwise."""
        ...


def enqueue(session: Session, *events: Event) -> None:
    """Add `events` to the transaction of `session`: they go out in this order if it is committed, and never otherwise.

    The order is that of the rows' numbers; of two transactions under way at once, either may be first.
    """
    for event in events:
        value = None if event.message is None else event.message.SerializeToString(deterministic=True)
        session.add(
            OutboxRow(
                topic=event.topic.name, event_id=event.event_id, key=event.key, occurred_at=event.time, value=value
            )
        )
        # One by one, so that the numbers follow the order.
        session.flush()


class OutboxPublisher:
    """A part that sends what waits in the outbox, in order, and deletes it once it is acknowledged.

    An event may be sent twice, after a crash between the two: its id is the same.
    """

    def __init__(self, database: Database, events: Events) -> None:
        self.name = "outbox"
        self._database = database
        self._events = events
        self._wake = threading.Event()
        self._well = threading.Event()
        database.on_commit(self._wake.set)

    def ready(self) -> bool:
        """Whether the last look at the outbox went well."""
        return self._well.is_set()

    def run(self, stop: threading.Event) -> None:
        """Send until `stop` is set."""
        while not stop.is_set():
            self._wake.clear()
            try:
                more = self.publish()
            except (DatabaseAwayError, DeliveryError) as error:
                self._well.clear()
                _log.warning("outbox waits", error=error)
                stop.wait(_AGAIN_S)
                continue
            self._well.set()
            if not more:
                self._wake.wait(_LOOK_S)

    def publish(self) -> bool:
        """Send one batch; return whether there was any. Raises DatabaseAwayError and DeliveryError."""
        with self._database.read() as session:
            rows = session.scalars(select(OutboxRow).order_by(OutboxRow.number).limit(_BATCH)).all()
        if not rows:
            return False
        self._events.send([_event(row) for row in rows])
        with self._database.begin() as session:
            session.execute(delete(OutboxRow).where(OutboxRow.number.in_([row.number for row in rows])))
        return True


def _event(row: OutboxRow) -> Event:
    topic = TOPICS[row.topic]
    message = None if row.value is None else topic.message.FromString(row.value)
    return Event(topic, row.event_id, row.key, SOURCE, row.occurred_at, message)
