"""A replica that comes takes over no faster than it can connect, so that no camera waits for its turn unrecorded."""

from collections.abc import Collection
from datetime import timedelta

import pytest

from homeward.ingest.sharing.arrivals import MOST_AT_ONCE, Arrivals
from homeward.ingest.sharing.membership import Memory, milliseconds, read_record
from homeward.ingest.sharing.tenures import Tenures
from homeward.ingest.turnstile import Turnstile
from homeward.shared.runtime.partitioner import partition_of
from support.recording import NOON, ManualClock

PARTITIONS = 24
COMMIT_S = 0.1


class Disk:
    def recall(self) -> Memory:
        return Memory()

    def remember(self, memory: Memory) -> None:
        del memory


class Newcomer:
    """A replica to which a group gives partitions that another one records; it commits ten times a second."""

    def __init__(self, cameras: Collection[str] | None) -> None:
        self.clock = ManualClock()
        self.cameras = cameras
        self.tenures = Tenures(Disk(), self.clock, arrivals=Arrivals(lambda: self.cameras, self.clock))
        self.tenures.counted(PARTITIONS)
        self.taken_s: dict[int, float] = {}
        """When each partition was taken, in seconds past the start."""

    def assigned(self, partitions: Collection[int]) -> None:
        self.tenures.assigned(partitions)
        for partition in partitions:
            self.tenures.read(partition, read_record(milliseconds(NOON) - 5000, None))

    def turn(self) -> list[int]:
        """Take what may be taken; return it."""
        records = self.tenures.to_commit()
        self.tenures.committed(records)
        at_s = (self.clock.now() - NOON) / timedelta(seconds=1)
        for partition in records:
            self.taken_s[partition] = at_s
        return sorted(records)


class Queue:
    """A stop signal that only counts how long is waited for it, in seconds."""

    def __init__(self) -> None:
        self.waits_s: list[float] = []

    def is_set(self) -> bool:
        return False

    def wait(self, timeout: float | None = None) -> bool:
        self.waits_s.append(timeout or 0)
        return False


@pytest.mark.parametrize("count", [30, 300, 1000, 2000])
def test_no_camera_that_moves_waits_much_longer_than_a_second(count: int) -> None:
    names = [f"camera-{index}" for index in range(count)]
    given = range(PARTITIONS // 2)
    replica = Newcomer(names)
    replica.assigned(given)
    turnstile, queue = Turnstile(replica.clock), Queue()
    while len(replica.taken_s) < len(given):
        taken = replica.turn()
        for name in names:
            if partition_of(name, PARTITIONS) in taken:
                # Each camera's recorder asks for its turn as soon as its partition is taken.
                turnstile.wait(queue)
        replica.clock.sleep(COMMIT_S)
    moving = [name for name in names if partition_of(name, PARTITIONS) in given]
    # Whoever finds nobody before it does not wait at all.
    assert len(moving) - 2 * len(given) < len(queue.waits_s) < len(moving)
    assert max(queue.waits_s) < 1.2
    # And nothing dawdles: together they take as long as the turnstile does.
    assert max(replica.taken_s.values()) <= max(0, len(moving) - MOST_AT_ONCE) * 0.01 + 1.0


def test_few_cameras_come_at_once() -> None:
    replica = Newcomer([f"camera-{index}" for index in range(50)])
    replica.assigned(range(PARTITIONS))
    assert replica.turn() == list(range(PARTITIONS))


def test_nothing_comes_before_it_is_known_which_cameras_there_are() -> None:
    replica = Newcomer(None)
    replica.assigned([1, 2])
    assert replica.turn() == []
    replica.cameras = ["camera-1"]
    assert replica.turn() == [1, 2]


def test_a_partition_with_more_cameras_than_come_at_once_comes_alone() -> None:
    arrivals = Arrivals(list, clock := ManualClock())
    crowd = {1: 3 * MOST_AT_ONCE, 2: 3 * MOST_AT_ONCE, 3: 1}
    assert arrivals.admit([1, 2, 3], crowd) == [1]
    clock.sleep(2.5)
    assert arrivals.admit([2, 3], crowd) == [3]
    clock.sleep(0.25)
    assert arrivals.admit([2], crowd) == []
    clock.sleep(0.5)
    assert arrivals.admit([2], crowd) == [2]


def test_what_is_recorded_already_waits_for_nothing() -> None:
    replica = Newcomer([f"camera-{index}" for index in range(2000)])
    replica.assigned([1])
    assert replica.turn() == [1]
    epoch = replica.tenures._seats[1].tenure.epoch
    replica.tenures.given_back([1])
    replica.cameras = None
    replica.tenures.assigned([1])
    replica.tenures.read(1, read_record(epoch, None))
    assert replica.turn() == [1]


def test_a_long_rest_lets_no_more_in_at_once() -> None:
    arrivals = Arrivals(list, clock := ManualClock())
    clock.sleep(3600)
    assert arrivals.admit([1, 2, 3], {1: 60, 2: 60, 3: 40}) == [1, 3]
