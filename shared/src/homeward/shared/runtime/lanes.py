"""The partitions that a consumer holds now, each with the records it has fetched and not finished."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from homeward.shared.runtime.record import FetchedRecord, Partition


@dataclass(slots=True)
class Lane:
    """One assigned partition. `records` begins with the one to process next; `not_before` is a monotonic time."""

    records: deque[FetchedRecord] = field(default_factory=deque)
    attempts: int = 0
    not_before: float = 0.0


class Lanes:
    """Every assigned partition."""

    def __init__(self) -> None:
        self._lanes: dict[Partition, Lane] = {}

    def __contains__(self, partition: Partition) -> bool:
        return partition in self._lanes

    def partitions(self) -> frozenset[Partition]:
        """Return the assigned partitions."""
        return frozenset(self._lanes)

    def occupied(self) -> frozenset[Partition]:
        """Return the partitions that must fetch nothing more: they have records waiting."""
        return frozenset(partition for partition, lane in self._lanes.items() if lane.records)

    def assign(self, partitions: Iterable[Partition]) -> None:
        """Add partitions, empty."""
        for partition in partitions:
            self._lanes[partition] = Lane()

    def drop(self, partitions: Iterable[Partition]) -> None:
        """Forget partitions with all that waits in them: their records will be fetched again by whoever holds them."""
        for partition in partitions:
            self._lanes.pop(partition, None)

    def add(self, record: FetchedRecord) -> None:
        """Queue a fetched record; one of a partition that is not held any more is forgotten."""
        if (lane := self._lanes.get(record.partition)) is not None:
            lane.records.append(record)

    def ready(self, now: float) -> FetchedRecord | None:
        """Return the next record to process, if any: the first of a lane whose back-off is over at `now`."""
        for lane in self._lanes.values():
            if lane.records and lane.not_before <= now:
                return lane.records[0]
        return None

    def next_due(self) -> float | None:
        """Return the monotonic time at which the first back-off is over, or None where nothing waits."""
        return min((lane.not_before for lane in self._lanes.values() if lane.records), default=None)

    def finish(self, record: FetchedRecord) -> None:
        """Take `record`, processed, out of its lane; the lane goes to the end, so that no partition starves others."""
        lane = self._lanes.pop(record.partition)
        lane.records.popleft()
        lane.attempts, lane.not_before = 0, 0.0
        self._lanes[record.partition] = lane

    def failed(self, record: FetchedRecord) -> int:
        """Count a failed attempt at `record`; return how many there were."""
        lane = self._lanes[record.partition]
        lane.attempts += 1
        return lane.attempts

    def delay(self, record: FetchedRecord, until: float) -> None:
        """Let `record` wait until the monotonic time `until`."""
        self._lanes[record.partition].not_before = until
