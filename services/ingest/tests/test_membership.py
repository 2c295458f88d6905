"""Whether two replicas can ever tell of the same time, in a small model of the group."""

import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.ingest.media.coverage import Cause
from homeward.ingest.media.stretches import Claim, Stretch
from homeward.ingest.ports import CameraState
from homeward.ingest.sharing.membership import (
    REMEMBERED_TAKINGS,
    SEND,
    WAIT,
    Memory,
    Record,
    Remembered,
    Tenure,
    Verdict,
    instant,
    judge,
    milliseconds,
    read_record,
    take,
)
from homeward.ingest.sharing.tenures import Tenures
from support.recording import NOON, ManualClock

S = timedelta(seconds=1)
CAMERA = "cam-1"
AT = milliseconds(NOON)


def claim(epoch: int, until: datetime, partition: int = 0) -> Claim:
    return Claim(partition, epoch, until)


def test_an_instant_is_rounded_up_to_the_millisecond() -> None:
    assert instant(milliseconds(NOON)) == NOON
    assert milliseconds(NOON + timedelta(microseconds=1)) == AT + 1


def test_a_record_is_read_as_it_was_written() -> None:
    record = take(take(None, NOON), NOON + 5 * S).proving(AT + 9_000)
    assert read_record(record.epoch, record.metadata) == record
    assert record == Record(AT + 5_000, AT + 9_000, (AT + 5_000, AT))
    assert read_record(-1001, None) is None
    for metadata in (None, "", "v2 1 2", "v1", "v1 1", "v1 x 7", "v1 1 8"):
        assert read_record(7, metadata) == Record(7, 7, (7,))


def test_an_epoch_begins_after_all_that_was_proven_whatever_the_clocks_say() -> None:
    first = take(None, NOON).proving(AT + 30_000)
    assert take(first, NOON - 60 * S).epoch == AT + 30_000
    assert take(take(None, NOON), NOON - 60 * S).epoch == AT + 1


def test_metadata_fits_beside_an_offset() -> None:
    record = None
    for index in range(3 * REMEMBERED_TAKINGS):
        record = take(record, NOON + index * S)
    assert record is not None
    # offset.metadata.max.bytes of a broker, as it is delivered.
    assert len(record.metadata) < 4096


def test_a_claim_is_judged_by_the_owner_that_came_after_it() -> None:
    first = take(None, NOON)
    second = take(first, NOON + 10 * S)
    third = take(second, NOON + 20 * S)
    assert judge(claim(first.epoch, NOON + 5 * S), None) is WAIT
    assert judge(claim(first.epoch, NOON + 5 * S), first) is WAIT
    assert judge(claim(first.epoch, NOON + 5 * S), first.proving(AT + 5_000)) is SEND
    for record in (second, third):
        assert judge(claim(first.epoch, NOON + 10 * S), record) is SEND
        fenced = judge(claim(first.epoch, NOON + 10.001 * S), record)
        assert (fenced.verdict, fenced.since) == (Verdict.FENCED, NOON + 10 * S)


def test_what_is_too_old_to_be_remembered_is_not_told() -> None:
    first = take(None, NOON)
    record = first
    for index in range(REMEMBERED_TAKINGS + 5):
        record = take(record, NOON + (10 + index) * S)
    assert judge(claim(first.epoch, NOON + 5 * S), record).verdict is Verdict.FENCED


@pytest.mark.parametrize(
    ("run", "epoch", "trusted"), [(0, None, True), (5, None, False), (5, 4, False), (5, 5, True), (5, 9, True)]
)
def test_what_is_remembered_holds_while_nobody_else_has_told(run: int, epoch: int | None, trusted: bool) -> None:
    assert Tenure(0, 9, run).trusts(CameraState(epoch=epoch)) is trusted


def test_a_stretch_is_cut_where_another_owner_begins() -> None:
    stretch = Stretch(CAMERA, NOON, NOON + 10 * S, Cause.SOURCE_LOST, claim(1, NOON + 10 * S))
    shorter = stretch.told_until(NOON + 4 * S)
    assert shorter is not None
    assert (shorter.ends_at, shorter.claim) == (NOON + 4 * S, claim(1, NOON + 4 * S))
    assert (shorter.clip_id, shorter.outcome) == (stretch.clip_id, stretch.outcome)
    assert stretch.told_until(NOON) is None
    earlier = Stretch(CAMERA, NOON, NOON + 10 * S, Cause.CORRUPT, claim(1, NOON + 3600 * S))
    assert earlier.told_until(NOON + 4 * S) is None


class Disk:
    """What outlives a replica; `full`, it takes nothing."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.full = False
        self.refused = 0

    def recall(self) -> Memory:
        return self.memory

    def remember(self, memory: Memory) -> None:
        if self.full:
            self.refused += 1
            raise OSError(errno.ENOSPC, "full")
        self.memory = memory


@dataclass
class Broker:
    """One partition: what is committed, and the member that it belongs to; only that one may commit."""

    offset: int = -1001
    metadata: str | None = None
    owner: int | None = None
    generation: int = 0
    keeps_metadata: bool = True

    def give(self, member: int) -> None:
        if member != self.owner:
            self.owner = member
            self.generation += 1

    def record(self) -> Record | None:
        return read_record(self.offset, self.metadata)

    def commit(self, member: int, generation: int, record: Record) -> bool:
        if (member, generation) != (self.owner, self.generation):
            return False
        self.offset, self.metadata = record.epoch, record.metadata if self.keeps_metadata else None
        return True


@dataclass
class Replica:
    """One replica with a clock of its own. `pending` is its spool, `answer` a commit that is on its way back."""

    number: int
    clock: ManualClock
    disk: Disk = field(default_factory=Disk)
    pending: list[Stretch] = field(default_factory=list)
    through: datetime | None = None
    under: Tenure | None = None
    generation: int = -1
    answer: tuple[dict[int, Record], bool] | None = None

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Come back after kill -9: the spool and the memory are what is left."""
        self.tenures = Tenures(self.disk, self.clock)
        self.tenures.counted(1)
        self.answer, self.under, self.generation = None, None, -1

    def lose(self) -> None:
        self.tenures.given_back([0])
        self.generation = -1
        if self.answer is not None:
            self.answer = (self.answer[0], False)

    def read(self, broker: Broker) -> None:
        for partition in self.tenures.to_read()[0]:
            self.tenures.read(partition, broker.record())

    def commit(self, broker: Broker) -> None:
        records = self.tenures.to_commit()
        if self.answer is None and records:
            self.answer = (
                records,
                all(broker.commit(self.number, self.generation, record) for record in records.values()),
            )

    def hear(self) -> None:
        if self.answer is None:
            return
        (records, accepted), self.answer = self.answer, None
        if accepted:
            self.tenures.committed(records)
        else:
            for partition in records:
                self.tenures.refused(partition)

    def film(self, seconds: float) -> None:
        """Record for a while, if the camera is this replica's."""
        tenure = self.tenures.tenure(CAMERA)
        if tenure is None:
            self.under = None
            return
        if tenure != self.under:
            begins = max(self.clock.now(), tenure.since)
            self.through = begins if self.through is None else max(begins, self.through)
            self.under = tenure
        assert self.through is not None
        ends = max(self.clock.now(), self.through) + seconds * S
        stretch = Stretch(CAMERA, self.through, ends, Cause.CORRUPT, claim(tenure.epoch, ends))
        self.through = ends
        self.pending.append(stretch)
        self.tenures.kept(stretch)

    def send(self) -> list[Stretch]:
        told: list[Stretch] = []
        waiting, self.pending = self.pending, []
        for stretch in waiting:
            judgement = self.tenures.ask(stretch.claim, 0)
            if judgement is SEND:
                told.append(stretch)
            elif judgement.verdict is Verdict.FENCED and judgement.since is not None:
                shorter = stretch.told_until(judgement.since)
                if shorter is not None:
                    self.pending.append(shorter)
            else:
                self.pending.append(stretch)
        return told


WORK = ("hear of it", "read", "commit", "answer", "read", "send")
"""What a replica does each turn, unless it is frozen."""


class Group:
    def __init__(self, skews_s: list[float]) -> None:
        self.broker = Broker()
        self.replicas = [Replica(number, ManualClock(NOON + skew_s * S)) for number, skew_s in enumerate(skews_s)]
        self.told: list[tuple[int, Stretch]] = []

    def act(self, action: str, number: int, seconds: float) -> None:
        replica = self.replicas[number]
        self.pass_time(0.05)
        steps: dict[str, Callable[[], None]] = {
            # The member before learns of it later, or never: it may be frozen, or cut off.
            "give": lambda: self.broker.give(number),
            "move": lambda: self.move(number),
            "work": lambda: self.work(number),
            "hear of it": lambda: self.hear_of_assignment(replica),
            "read": lambda: replica.read(self.broker),
            "commit": lambda: replica.commit(self.broker),
            "answer": replica.hear,
            "film": lambda: self.film(replica, seconds),
            "send": lambda: self.told.extend((number, stretch) for stretch in replica.send()),
            "restart": replica.restart,
            "presume": replica.tenures.presume,
            "fill": lambda: setattr(replica.disk, "full", not replica.disk.full),
        }
        steps[action]()

    def move(self, number: int) -> None:
        self.broker.give(number)
        self.work(number)

    def work(self, number: int) -> None:
        for action in WORK:
            self.act(action, number, 0)

    def pass_time(self, seconds: float) -> None:
        for each in self.replicas:
            each.clock.sleep(seconds)

    def film(self, replica: Replica, seconds: float) -> None:
        self.pass_time(seconds)
        replica.film(seconds)

    def hear_of_assignment(self, replica: Replica) -> None:
        broker = self.broker
        if replica.generation not in (-1, broker.generation):
            replica.lose()
        if broker.owner == replica.number and replica.generation == -1:
            replica.generation = broker.generation
            replica.tenures.assigned([0])

    def settle(self) -> None:
        for _ in range(4):
            for number in range(len(self.replicas)):
                self.work(number)


ACTIONS = [
    *["move"] * 3,
    *["work"] * 5,
    *["film"] * 6,
    *["give", "hear of it", "read", "commit", "answer", "send", "restart", "presume", "fill"],
]
steps = st.lists(
    st.tuples(
        st.sampled_from(ACTIONS),
        st.sampled_from([0, 0, 1, 2]),
        st.sampled_from([0.0, 0.4, 2.0, 11.0]),
    ),
    min_size=10,
    max_size=40,
)
skews = st.lists(st.sampled_from([0.0, -7.0, 0.2, 30.0]), min_size=3, max_size=3)


@given(steps, skews)
@settings(deadline=None, max_examples=200)
def test_no_two_replicas_ever_tell_of_the_same_time(script: list[tuple[str, int, float]], skews_s: list[float]) -> None:
    group = Group(skews_s)
    for action, number, seconds in script:
        group.act(action, number, seconds)
    group.act("give", 0, 0)
    group.settle()
    told = sorted((stretch.starts_at, stretch.ends_at, number) for number, stretch in group.told)
    told = [one for one in told if one[0] < one[1]]
    for before, after in pairwise(told):
        assert before[1] <= after[0], f"{before} and {after} overlap"
    # Somebody owns the partition at last: nothing is left that nobody can judge.
    assert [replica.pending for replica in group.replicas] == [[], [], []]


def test_a_graceful_move_loses_nothing_in_the_model() -> None:
    group = Group([0, 0, 0])
    for action, number, seconds in [
        *[("give", 0, 0.0), ("hear of it", 0, 0.0), ("read", 0, 0.0), ("commit", 0, 0.0), ("answer", 0, 0.0)],
        *[("film", 0, 2.0), ("film", 0, 2.0), ("give", 1, 0.0), ("hear of it", 0, 0.0), ("film", 0, 2.0)],
        *[("hear of it", 1, 0.0), ("read", 1, 0.0), ("commit", 1, 0.0), ("answer", 1, 0.0), ("film", 1, 2.0)],
    ]:
        group.act(action, number, seconds)
    group.act("film", 0, 0.0)
    group.settle()
    told = sorted((stretch.starts_at, stretch.ends_at, number) for number, stretch in group.told)
    assert {number for *_, number in told} == {0, 1}
    covered = sum((ends - starts for starts, ends, _ in told), timedelta(0))
    assert (told[-1][1] - told[0][0]) - covered < 2.5 * S


def tenures(disk: Disk | None = None) -> tuple[Tenures, Disk]:
    disk = disk or Disk()
    made = Tenures(disk, ManualClock())
    made.counted(1)
    return made, disk


def own(made: Tenures, record: Record | None = None) -> Tenure:
    made.assigned([0])
    made.read(0, record)
    made.committed(made.to_commit())
    tenure = made.tenure(CAMERA)
    assert tenure is not None
    return tenure


def test_a_partition_is_recorded_once_its_taking_is_accepted() -> None:
    made, disk = tenures()
    made.assigned([0])
    assert made.tenure(CAMERA) is None
    assert not made.decided()
    made.read(0, None)
    made.committed(made.to_commit())
    assert made.decided()
    assert made.tenure(CAMERA) == Tenure(0, AT, 0)
    assert disk.memory == Memory(1, {0: Remembered(AT, 0)})


def test_a_restart_goes_on_under_the_same_epoch_where_nobody_came_between() -> None:
    made, disk = tenures()
    tenure = own(made, take(None, NOON - 60 * S))
    assert tenure.run == tenure.epoch == AT
    record = take(take(None, NOON - 60 * S), NOON)
    again, _ = tenures(disk)
    assert again.tenure(CAMERA) is None
    again.read(0, record)
    assert again.tenure(CAMERA) == tenure
    again.assigned([0])
    again.read(0, record)
    again.committed(again.to_commit())
    assert again.tenure(CAMERA) == tenure
    other, _ = tenures(disk)
    other.read(0, take(record, NOON + 60 * S))
    assert other.tenure(CAMERA) is None


def test_without_kafka_what_was_owned_last_is_recorded_and_nothing_of_it_told() -> None:
    made, disk = tenures()
    tenure = own(made)
    again, _ = tenures(disk)
    again.presume()
    assert again.tenure(CAMERA) == tenure
    assert again.ask(claim(tenure.epoch, NOON + S), 0) is WAIT


def test_what_the_group_takes_away_is_recorded_until_another_one_begins() -> None:
    made, _ = tenures()
    tenure = own(made)
    made.given_back([0])
    assert made.tenure(CAMERA) == tenure
    record = take(None, NOON)
    made.read(0, record)
    assert made.tenure(CAMERA) == tenure
    made.read(0, take(record, NOON + 3 * S))
    assert made.tenure(CAMERA) is None
    assert made.ask(claim(tenure.epoch, NOON + 3 * S), 0) is SEND
    assert made.ask(claim(tenure.epoch, NOON + 4 * S), 0).since == NOON + 3 * S


def test_a_proof_covers_all_that_was_spooled_before_it() -> None:
    made, _ = tenures()
    tenure = own(made)
    for seconds in (2, 9, 4):
        ends = NOON + seconds * S
        made.kept(Stretch(CAMERA, NOON, ends, Cause.CORRUPT, claim(tenure.epoch, ends)))
    assert made.ask(claim(tenure.epoch, NOON + 4 * S), 0) is WAIT
    records = made.to_commit()
    assert {record.proven for record in records.values()} == {AT + 9_000}
    made.committed(records)
    assert made.to_commit() == {}
    assert made.ask(claim(tenure.epoch, NOON + 9 * S), 0) is SEND
    assert made.ask(None, 0) is SEND
    # What was proven stays so, though the partition goes.
    made.given_back([0])
    assert made.ask(claim(tenure.epoch, NOON + 9 * S), 0) is SEND
    assert made.ask(claim(tenure.epoch, NOON + 10 * S), 0) is WAIT


def test_a_full_disk_keeps_nobody_from_owning_and_learns_of_it_later() -> None:
    disk, clock = Disk(), ManualClock()
    disk.full = True
    made = Tenures(disk, clock)
    made.counted(1)
    tenure = own(made)
    assert made.ask(claim(tenure.epoch, NOON), 0) is SEND
    for _ in range(100):
        made.wait(0)
    assert disk.refused == 2
    disk.full = False
    clock.sleep(5)
    made.wait(0)
    assert disk.memory == Memory(1, {0: Remembered(AT, 0)})
