"""What the runtime's behaviour suite asks of a broker, whichever it is."""

from typing import Protocol

from homeward.shared.settings import KafkaSettings


class Broker(Protocol):
    """A broker of the test's own, on loopback."""

    @property
    def kafka(self) -> KafkaSettings:
        """How to reach it."""
        ...

    def start(self) -> None:
        """Start it, and return when it answers."""
        ...

    def kill(self) -> None:
        """End it as a crash would."""
        ...
