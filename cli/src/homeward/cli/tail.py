"""What is newly told of one key, without reading what was told before."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from homeward.shared.clock import Clock
from homeward.shared.events import Event
from homeward.shared.runtime.replay import LogReader
from homeward.shared.topics import Topic

_AHEAD: Final = timedelta(hours=1)
"""How far publishers' clocks may be ahead: the end of a span is then the end of the log."""


class KeyTail:
    """Events of `key` on some topics since an instant, as they come. Not for several threads."""

    def __init__(self, reader: LogReader, topics: Sequence[Topic], key: str, since: datetime, clock: Clock) -> None:
        self._reader = reader
        self._topics = topics
        self._key = key
        self._since = since
        self._clock = clock
        self._next: dict[str, int] = {}

    def poll(self) -> list[Event]:
        """Return what came since the last call, at once. Raises LogReadError."""
        found: list[Event] = []
        for topic in self._topics:
            partition = self._reader.partition_of(topic, self._key)
            now = self._clock.now()
            known = self._next.get(topic.name)
            first, end = self._reader.span(topic, partition, self._since if known is None else now, now + _AHEAD)
            begin = first if known is None else known
            found += self._reader.read(topic, partition, begin, end, keys={self._key})
            self._next[topic.name] = max(begin, end)
        return found
