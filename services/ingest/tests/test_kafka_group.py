import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from homeward.ingest.adapters.kafka_group import HEARTBEAT_MS, KafkaGroup
from homeward.ingest.adapters.tenure_file import TenureFile
from homeward.ingest.media.coverage import Cause
from homeward.ingest.media.stretches import Claim, Stretch
from homeward.ingest.sharing.membership import WAIT, Memory, Remembered, milliseconds, read_record
from homeward.ingest.sharing.tenures import Tenures
from homeward.shared.runtime.client import KafkaFailedError
from homeward.shared.settings import KafkaSettings
from homeward.shared.topics import CAMERAS
from support.recording import NOON, ManualClock

S = timedelta(seconds=1)
AT = milliseconds(NOON)
KAFKA = KafkaSettings(bootstrap_servers="broker.test:9092")
ALL = [0, 1, 2]


@dataclass
class FakeMember:
    """What librdkafka promises of a member: callbacks and answers come from poll alone."""

    config: dict[str, Any]
    plan: Callable[["FakeMember"], None]
    log: list[str] = field(default_factory=list)
    store: dict[int, TopicPartition] = field(default_factory=dict)
    refusal: KafkaError | None = None
    away: bool = False
    commits: list[list[TopicPartition]] = field(default_factory=list)
    polls: int = 0

    def subscribe(self, topics: list[str], on_assign: Any = None, on_revoke: Any = None, on_lost: Any = None) -> None:
        assert topics == [CAMERAS.name]
        self.on_assign, self.on_revoke, self.on_lost = on_assign, on_revoke, on_lost

    def poll(self, timeout: float, /) -> Any:
        del timeout
        self.polls += 1
        assert self.polls < 2000, "it hangs"
        if self.commits and not self.away:
            offsets = self.commits.pop(0)
            if self.refusal is None:
                self.store |= {one.partition: one for one in offsets}
            self.config["on_commit"](self.refusal, offsets)
        self.plan(self)
        return None

    def incremental_assign(self, partitions: list[TopicPartition], /) -> None:
        self.log.append(f"assign {[one.partition for one in partitions]}")

    def pause(self, partitions: list[TopicPartition], /) -> None:
        self.log.append(f"pause {[one.partition for one in partitions]}")

    def committed(self, partitions: list[TopicPartition], /, timeout: float) -> list[TopicPartition]:
        if self.away:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        assert timeout <= 1
        return [self.store.get(one.partition, TopicPartition(one.topic, one.partition, -1001)) for one in partitions]

    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> None:
        assert asynchronous
        self.log.append(f"commit {[one.partition for one in offsets]}")
        self.commits.append(offsets)

    def list_topics(self, topic: str, /, timeout: float) -> Any:
        del timeout
        return SimpleNamespace(topics={topic: SimpleNamespace(error=None, partitions=dict.fromkeys(ALL))})

    def close(self) -> None:
        self.log.append("close")

    def give(self, *numbers: int) -> None:
        self.on_assign(self, [TopicPartition(CAMERAS.name, number) for number in numbers])

    def lose(self, *numbers: int) -> None:
        self.on_lost(self, [TopicPartition(CAMERAS.name, number) for number in numbers])


class World:
    def __init__(self, folder: Path, plan: Callable[["World", FakeMember], bool]) -> None:
        """`plan` is called at each poll until it returns True, which stops the part."""
        self.clock = ManualClock()
        self.stop = threading.Event()
        self.recorded = threading.Event()
        self.tenures = Tenures(TenureFile(folder / "spool" / "tenures.json"), self.clock)
        self.folder = folder
        self.plan = plan
        self.group = KafkaGroup(
            KAFKA, "ingest", self.tenures, clock=self.clock, recorded=self.recorded, connect=self.connect
        )

    def connect(self, config: dict[str, Any]) -> FakeMember:
        self.member = FakeMember(config, self.poll)
        return self.member

    def poll(self, member: FakeMember) -> None:
        self.clock.sleep(0.05)
        if not self.stop.is_set() and self.plan(self, member):
            self.stop.set()
            self.recorded.set()

    def run(self) -> None:
        self.group.run(self.stop)

    def owned(self) -> list[int]:
        names = {partition: name for name in map(str, range(100)) for partition in [self.place(name)]}
        return sorted(partition for partition, name in names.items() if self.tenures.tenure(name) is not None)

    @staticmethod
    def place(name: str) -> int:
        from homeward.shared.runtime.partitioner import partition_of  # noqa: PLC0415 - beside its one use

        return partition_of(name, len(ALL))

    def kept(self, seconds: float, partition: int = 0) -> Claim:
        epoch = self.member.store[partition].offset
        claim = Claim(partition, epoch, NOON + seconds * S)
        self.tenures.kept(Stretch("cam-1", NOON, claim.until, Cause.CORRUPT, claim))
        return claim


def test_partitions_are_paused_before_anything_is_fetched_and_taken_by_one_commit(tmp_path: Path) -> None:
    def plan(world: World, member: FakeMember) -> bool:
        if member.polls == 1:
            assert not world.group.ready()
            member.give(0, 1)
        return world.owned() == [0, 1]

    world = World(tmp_path, plan)
    world.run()
    assert world.group.ready()
    assert world.member.log == ["assign [0, 1]", "pause [0, 1]", "commit [0, 1]", "close"]
    taken = world.member.store[0]
    assert AT <= taken.offset <= AT + 60_000
    config = world.member.config
    assert (config["group.id"], config["partition.assignment.strategy"]) == ("ingest", "cooperative-sticky")
    assert config["heartbeat.interval.ms"] == HEARTBEAT_MS <= 500
    assert config["session.timeout.ms"] == KAFKA.session_timeout_s * 1000
    assert config["enable.auto.commit"] is False
    # It outlives the process.
    again = TenureFile(tmp_path / "spool" / "tenures.json").recall()
    assert again == Memory(3, {number: Remembered(taken.offset, 0) for number in (0, 1)})


def test_many_stretches_are_proven_by_few_commits(tmp_path: Path) -> None:
    claims: list[Claim] = []

    def plan(world: World, member: FakeMember) -> bool:
        if member.polls == 1:
            member.give(0)
        if world.owned() == [0]:
            claims.append(world.kept(5 + len(claims) * 0.01))
        return len(claims) >= 100

    world = World(tmp_path, plan)
    world.run()
    took_s = (world.clock.now() - NOON) / S
    commits = sum(entry.startswith("commit") for entry in world.member.log)
    assert 10 < commits <= took_s * 10 + 1
    # What was spooled last is proven before the group is left.
    assert world.tenures.ask(claims[-1], 0).since is None
    assert not world.tenures.proofs_wanted()
    assert world.member.log[-1] == "close"


def test_an_answer_from_after_the_loss_proves_nothing(tmp_path: Path) -> None:
    claims: list[Claim] = []
    lost_at: list[int] = []

    def plan(world: World, member: FakeMember) -> bool:
        if member.polls == 1:
            member.give(0)
        if world.owned() == [0] and not claims:
            member.away = True
            claims.append(world.kept(1000))
        if claims and member.commits and member.away:
            # The commit is on its way; meanwhile the member is given up.
            member.lose(0)
            member.away = False
            lost_at.append(member.polls)
        return bool(lost_at) and member.polls > lost_at[0] + 2

    world = World(tmp_path, plan)
    world.run()
    assert world.owned() == [0]
    record = read_record(world.member.store[0].offset, world.member.store[0].metadata)
    assert record is not None
    assert record.proven == milliseconds(claims[0].until)
    world.tenures.read(0, None)
    assert world.tenures.ask(claims[0], 0) is WAIT


def test_an_answer_from_before_a_loss_takes_nothing_that_came_back(tmp_path: Path) -> None:
    lost_at: list[int] = []

    def plan(world: World, member: FakeMember) -> bool:
        if member.polls == 1:
            member.give(0)
        if world.owned() == [0] and not lost_at and not member.away:
            member.away = True
            world.kept(1000)
        if member.commits and member.away:
            member.lose(0)
            member.give(0)
            member.away = False
            lost_at.append(member.polls)
        return bool(lost_at) and member.polls > lost_at[0] + 6

    world = World(tmp_path, plan)
    world.run()
    # Taken, proven, and taken again by the record that stands by then.
    assert [entry for entry in world.member.log if entry.startswith("commit")] == ["commit [0]"] * 3


def test_a_refused_taking_is_tried_again_from_the_record(tmp_path: Path) -> None:
    def plan(world: World, member: FakeMember) -> bool:
        if member.polls == 1:
            member.refusal = KafkaError(KafkaError.REBALANCE_IN_PROGRESS)
            member.give(0)
        if member.polls == 8:
            assert world.owned() == []
            member.store[0] = TopicPartition(CAMERAS.name, 0, AT + 500_000)
            member.refusal = None
        return world.owned() == [0]

    world = World(tmp_path, plan)
    world.run()
    assert world.member.store[0].offset == AT + 500_001


def test_while_kafka_is_away_nothing_is_given_up(tmp_path: Path) -> None:
    def plan(world: World, member: FakeMember) -> bool:
        if member.polls == 1:
            member.give(0)
        if world.owned() and not member.away:
            member.away = True
            world.kept(30)
            member.lose(0)
        assert not member.away or world.owned() == [0]
        return member.polls > 20

    World(tmp_path, plan).run()


def test_a_missing_right_stops_the_service(tmp_path: Path) -> None:
    def plan(_: World, member: FakeMember) -> bool:
        if member.polls == 1:
            member.refusal = KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)
            member.give(0)
        return False

    world = World(tmp_path, plan)
    with pytest.raises(KafkaFailedError, match="GROUP_AUTHORIZATION_FAILED"):
        world.run()
    assert world.member.log[-1] == "close"


def test_an_unreadable_memory_is_none(tmp_path: Path) -> None:
    file = TenureFile(tmp_path / "tenures.json")
    assert file.recall() == Memory()
    for text in ("", "[]", "{}", '{"partitions": 3, "owned": {"0": 1}}'):
        (tmp_path / "tenures.json").write_text(text)
        assert file.recall() == Memory()
    memory = Memory(24, {3: Remembered(5, 4)})
    file.remember(memory)
    assert file.recall() == memory
