"""What a service is made of."""

import threading
from typing import Protocol


class Part(Protocol):
    """Something that runs for as long as its service does: a consumer, a table, a gRPC server, a camera's recorder."""

    @property
    def name(self) -> str:
        """What the part is called in logs and in /readyz: letters, digits, spaces, dots and hyphens."""
        ...

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then finish what is under way and return.

        Called once, on a thread of its own. Returning before `stop` is set, and raising anything, stop the service.
        """
        ...

    def ready(self) -> bool:
        """Whether the part does its work now. Called by other threads, often; returns at once."""
        ...
