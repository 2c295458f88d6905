"""Audit records onto their topic, each acknowledged before what it speaks of."""

from homeward.shared.audit import AuditUnavailableError, Entry, audit_event
from homeward.shared.clock import Clock
from homeward.shared.runtime.producer import DeliveryError, EventSender


class AuditRecorder:
    """The port `Audit` on Kafka. Safe to use from several threads."""

    def __init__(self, events: EventSender, source: str, clock: Clock) -> None:
        """`source` is the service, such as "homeward/access"."""
        self._events = events
        self._source = source
        self._clock = clock

    def record(self, *entries: Entry) -> None:
        """Return once every entry is acknowledged by all replicas; raise AuditUnavailableError."""
        now = self._clock.now()
        try:
            self._events.send([audit_event(entry, self._source, now) for entry in entries])
        except DeliveryError as error:
            raise AuditUnavailableError("the audit log does not take records; nothing was done") from error
