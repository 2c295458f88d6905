"""What a service plugs into the runtime."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from homeward.shared.events import Event


class RetryableError(Exception):
    """The event is good and cannot be handled now: a store is away, say.

    The runtime pauses the partition, keeps polling so that the group is not lost, and hands over the same event again
    after a jittered back-off, or after `retry_after` where the cause is known to last that long.
    """

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        """`message` says what is away, naming a camera, a clip or a request and never a person."""
        super().__init__(message)
        self.retry_after = retry_after


class Handler(Protocol):
    """A use case: an event in, events out."""

    def handle(self, event: Event) -> Sequence[Event]:
        """Handle one event and return the events that follow from it, in order.

        Called by the runtime's thread, for one event at a time and in the order of each partition; it may block for
        as long as the work takes, since the runtime polls beside it. The same event may come again after a crash, so
        every effect must be recognised when repeated. The returned events are delivered before the event's offset is
        committed.

        Raises RetryableError when the event cannot be handled now, InvalidEventError when no retry can mend it; any
        other exception stops the service with the offset uncommitted.
        """
        ...
