"""The log, by the runtime's reader."""

from collections.abc import Collection, Iterator
from datetime import datetime

from homeward.matching.ports import LogAwayError
from homeward.shared.events import Event
from homeward.shared.runtime.replay import LogReader, LogReadError
from homeward.shared.topics import Topic


class ReplayedLog:
    """Reads stretches of a topic. Safe to use from several threads."""

    def __init__(self, reader: LogReader) -> None:
        self._reader = reader

    def partitions(self, topic: Topic) -> list[int]:
        """Return the topic's partitions; raise LogAwayError when it is not there."""
        try:
            return self._reader.partitions(topic)
        except LogReadError as error:
            raise LogAwayError(str(error)) from error

    def span(self, topic: Topic, partition: int, since: datetime, until: datetime) -> tuple[int, int]:
        """Return the first offset and the end offset of what was written from `since` until `until`."""
        try:
            return self._reader.span(topic, partition, since, until)
        except LogReadError as error:
            raise LogAwayError(str(error)) from error

    def read(
        self, topic: Topic, partition: int, first_offset: int, end_offset: int, keys: Collection[str]
    ) -> Iterator[tuple[int, Event]]:
        """Yield each event of `keys` in a stretch, after its offset; what cannot be decoded is passed over."""
        try:
            yield from self._reader.stretch(topic, partition, first_offset, end_offset, keys=keys)
        except LogReadError as error:
            raise LogAwayError(str(error)) from error
