"""What retention needs of others, beside the object store's own port."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from homeward.shared.events import Event
from homeward.shared.topics import Topic


class TemplatesUnavailableError(Exception):
    """Matching cannot be reached now; the same call may succeed later and is safe to repeat."""


@dataclass(frozen=True, slots=True)
class Wiped:
    """`deleted` templates were deleted now, `remaining` were counted afterwards."""

    deleted: int
    remaining: int


class Templates(Protocol):
    """The subjects' templates, which matching owns."""

    def wipe(self, authorisation_id: str) -> Wiped:
        """Delete one authorisation's templates and stop its search; idempotent.

        Blocks for some seconds at most; raises TemplatesUnavailableError.
        """
        ...


class Events(Protocol):
    """Where events go."""

    def send(self, events: Sequence[Event]) -> None:
        """Return when every event is delivered; raise the runtime's DeliveryError otherwise."""
        ...


class TopicConfigs(Protocol):
    """The topics' configuration in the broker."""

    def apply(self, topics: Sequence[Topic]) -> Sequence[str]:
        """Set each topic's configuration; return the names of those for which the broker would not."""
        ...
