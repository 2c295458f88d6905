"""The partitions of cameras that this replica owns, and what it may tell of them."""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from homeward.ingest.media.stretches import Claim, Stretch
from homeward.ingest.sharing.arrivals import Arrivals
from homeward.ingest.sharing.assignment import TenureMemory
from homeward.ingest.sharing.membership import (
    SEND,
    WAIT,
    Judgement,
    Memory,
    Record,
    Remembered,
    Tenure,
    judge,
    milliseconds,
    take,
)
from homeward.ingest.sharing.patient_memory import PatientMemory
from homeward.shared.clock import Clock
from homeward.shared.runtime.partitioner import partition_of
from homeward.shared.telemetry.logging import get_logger

LEAVING_S: Final = 10.0
"""How long a partition that the group took away is looked at often, to stop as soon as its next owner begins."""

_log = get_logger()


@dataclass(slots=True)
class _Seat:
    """One partition that this replica records. While `held` is False, others may take it; `proven` is in ms."""

    tenure: Tenure
    held: bool
    left_at_s: float = 0.0
    proven: int = 0
    wanted: int = 0


class Tenures:
    """The partitions of this replica: what the group said, what the recorders do, what the sender may tell.

    A partition that the group took away, or that a cut-off replica may have lost, is recorded until the group's own
    record names another owner: only that ends a tenure, so that no second is lost in between. What is recorded
    meanwhile is told only as far as that record allows. Safe to use from several threads.
    """

    def __init__(
        self,
        memory: TenureMemory,
        clock: Clock,
        changed: Callable[[], None] = lambda: None,
        arrivals: Arrivals | None = None,
    ) -> None:
        """`changed` is called when recorders have something to start or stop. Reads the memory; may raise OSError.

        `arrivals` says how fast partitions are taken; without it, all at once.
        """
        self._memory = PatientMemory(memory, clock)
        self._clock = clock
        self._changed = changed
        self._arrivals = arrivals
        self._lock = threading.Condition()
        remembered = memory.recall()
        self._partitions = remembered.partitions
        self._places: dict[str, int] = {}
        """Each camera's partition: the hash is worked out once, since every turn asks for every camera's."""
        self._owned: dict[int, Remembered] = dict(remembered.owned or {})
        self._unsure: set[int] = set(self._owned)
        """Partitions owned by an earlier process, of which it is not known yet whether another owner came."""
        self._seats: dict[int, _Seat] = {}
        self._coming: set[int] = set()
        self._records: dict[int, Record | None] = {}
        self._unsettled: set[int] = set()
        self._decided = False
        self._work = False

    # Asked by the recorders.

    def tenure(self, camera_id: str) -> Tenure | None:
        """Return the tenure under which this replica records the camera; None where another one does."""
        with self._lock:
            if not self._partitions:
                return None
            seat = self._seats.get(self._place(camera_id))
            return None if seat is None else seat.tenure

    def owns(self, camera_id: str) -> bool:
        """Whether this replica records the camera."""
        return self.tenure(camera_id) is not None

    def epoch(self, camera_id: str) -> int | None:
        """Return the epoch under which this replica records the camera; None where another one does."""
        tenure = self.tenure(camera_id)
        return None if tenure is None else tenure.epoch

    def presume(self) -> None:
        """Take for still owned what was owned last: the group has not answered for too long."""
        with self._lock:
            for partition in self._unsure:
                self._seat_again(partition)
            count = len(self._unsure)
            self._unsure.clear()
        if count:
            _log.warning("the group does not answer; recording the partitions last owned", partitions=count)
            self._changed()

    def decided(self) -> bool:
        """Whether the group has said what this replica owns."""
        with self._lock:
            return self._decided and not self._coming and not self._unsure

    # Asked by the spool and the sender.

    def kept(self, stretch: Stretch) -> None:
        """Take note of a stretch that was spooled: it will want a proof."""
        claim = stretch.claim
        if claim is None:
            return
        with self._lock:
            seat = self._seats.get(claim.partition)
            if seat is not None and seat.held and claim.epoch == seat.tenure.epoch:
                self._want(seat, claim)

    def ask(self, claim: Claim | None, wait_s: float) -> Judgement:
        """Judge whether a stretch may be told; block for at most `wait_s` for the proof under way."""
        if claim is None:
            return SEND
        with self._lock:
            if self._known_proven(claim):
                return SEND
            if self._held_for(claim) is None:
                record = self._records.get(claim.partition)
                judgement = judge(claim, record)
                if judgement is WAIT:
                    self._unsettled.add(claim.partition)
                    self._wake()
                return judgement
            self._lock.wait_for(lambda: self._proven(claim) is not False, wait_s)
            return SEND if self._proven(claim) else WAIT

    # Told and asked by the group's thread.

    def wait(self, timeout_s: float) -> None:
        """Block until there may be something to do for the group's thread, or for `timeout_s`."""
        with self._lock:
            self._lock.wait_for(lambda: self._work, timeout_s)
            self._work = False
            self._memory.offer()

    def counted(self, partitions: int) -> None:
        """Take note of how many partitions there are."""
        with self._lock:
            if partitions == self._partitions:
                return
            self._partitions = partitions
            self._places.clear()
            self._remember()
        self._changed()

    def assigned(self, partitions: Iterable[int]) -> None:
        """The group gave partitions, be they none; each is taken by its record."""
        with self._lock:
            self._decided = True
            for partition in partitions:
                self._coming.add(partition)
                # What was read before the group gave it may be long past.
                self._records.pop(partition, None)
            self._wake()

    def given_back(self, partitions: Iterable[int]) -> None:
        """The group took partitions away, or may have: they are recorded until another owner begins."""
        with self._lock:
            for partition in partitions:
                self._coming.discard(partition)
                seat = self._seats.get(partition)
                if seat is not None and seat.held:
                    seat.held = False
                    seat.left_at_s = self._clock.monotonic()
            self._lock.notify_all()

    def to_read(self) -> tuple[list[int], bool]:
        """Return the partitions whose record is wanted, and whether soon rather than by and by."""
        now_s = self._clock.monotonic()
        with self._lock:
            coming = {partition for partition in self._coming if partition not in self._records}
            leaving = {partition for partition, seat in self._seats.items() if not seat.held}
            soon = any(now_s - self._seats[partition].left_at_s < LEAVING_S for partition in leaving)
            wanted = coming | leaving | self._unsure | self._unsettled
            return sorted(wanted), bool(coming or self._unsure or soon)

    def read(self, partition: int, record: Record | None) -> None:
        """Take note of a partition's record."""
        with self._lock:
            self._records[partition] = record
            self._unsettled.discard(partition)
            changed = False
            if partition in self._unsure:
                self._unsure.discard(partition)
                if record is not None and record.epoch == self._owned[partition].epoch:
                    self._seat_again(partition)
                    changed = True
            seat = self._seats.get(partition)
            if seat is not None and not seat.held and record is not None and record.epoch > seat.tenure.epoch:
                del self._seats[partition]
                self._owned.pop(partition, None)
                self._remember()
                changed = True
                _log.info("partition has another owner", partition=partition)
        if changed:
            self._changed()

    def to_commit(self) -> dict[int, Record]:
        """Return the records to write now, by partition: takings and proofs."""
        now = self._clock.now()
        cameras = None if self._arrivals is None else self._arrivals.cameras()
        with self._lock:
            found: dict[int, Record] = {}
            for partition in self._admitted(cameras):
                found[partition] = self._taking(partition, self._records[partition], now)
            for partition, seat in self._seats.items():
                record = self._records.get(partition)
                if seat.held and record is not None and seat.wanted > seat.proven:
                    found[partition] = record.proving(seat.wanted)
            return found

    def committed(self, records: Mapping[int, Record]) -> None:
        """The group accepted records that `to_commit` returned, from a member that has not lost their partitions."""
        changed = False
        with self._lock:
            for partition, record in records.items():
                seat = self._seats.get(partition)
                if partition in self._coming:
                    self._coming.discard(partition)
                    if seat is None or seat.tenure.epoch != record.epoch:
                        seat = _Seat(Tenure(partition, record.epoch, self._run(partition, record)), held=True)
                        self._seats[partition] = seat
                    seat.held = True
                    self._owned[partition] = Remembered(seat.tenure.epoch, seat.tenure.run)
                    changed = True
                if seat is not None and seat.held and seat.tenure.epoch == record.epoch:
                    seat.proven = max(seat.proven, record.proven)
                    self._records[partition] = record
            if changed:
                self._remember()
            self._lock.notify_all()
        if changed:
            self._changed()

    def refused(self, partition: int) -> None:
        """The group refused a record for now: what it holds must be read again before a partition is taken."""
        with self._lock:
            if partition in self._coming:
                self._records.pop(partition, None)

    def proofs_wanted(self) -> bool:
        """Whether a held partition has something spooled that is not proven yet."""
        with self._lock:
            return any(seat.held and seat.wanted > seat.proven for seat in self._seats.values())

    # The parts; the lock is held.

    def _place(self, camera_id: str) -> int:
        place = self._places.get(camera_id)
        if place is None:
            place = self._places[camera_id] = partition_of(camera_id, self._partitions)
        return place

    def _admitted(self, cameras: Collection[str] | None) -> list[int]:
        """Return the partitions whose record is to be taken now."""
        coming = sorted(partition for partition in self._coming if partition in self._records)
        if self._arrivals is None or not coming:
            return coming
        # What this replica records already costs nothing to take up again.
        resumed = [partition for partition in coming if self._resumes(partition)]
        if cameras is None or not self._partitions:
            return resumed
        crowd = Counter(map(self._place, cameras))
        return resumed + self._arrivals.admit((one for one in coming if one not in resumed), crowd)

    def _resumes(self, partition: int) -> bool:
        """Whether nobody else has taken the partition since this replica did: its tenure goes on."""
        seat, record = self._seats.get(partition), self._records[partition]
        return seat is not None and record is not None and record.epoch == seat.tenure.epoch

    def _taking(self, partition: int, record: Record | None, now: datetime) -> Record:
        seat = self._seats.get(partition)
        if seat is not None and record is not None and self._resumes(partition):
            return record.proving(seat.wanted)
        return take(record, now)

    def _run(self, partition: int, record: Record) -> int:
        """Return the first epoch of the unbroken run to which a new epoch belongs."""
        own = self._owned.get(partition)
        read = self._records.get(partition)
        if own is not None and read is not None and read.epoch == own.epoch:
            return own.run
        if read is None:
            return 0 if own is None else own.run
        return record.epoch

    def _seat_again(self, partition: int) -> None:
        own = self._owned[partition]
        self._seats[partition] = _Seat(
            Tenure(partition, own.epoch, own.run), held=False, left_at_s=self._clock.monotonic()
        )

    def _held_for(self, claim: Claim) -> _Seat | None:
        """Return the seat under which `claim` can be proven here: held, with nobody else's epoch in between."""
        seat = self._seats.get(claim.partition)
        if seat is None or not seat.held or not seat.tenure.run <= claim.epoch <= seat.tenure.epoch:
            return None
        return seat

    def _known_proven(self, claim: Claim) -> bool:
        """Whether `claim` was proven while its partition was held; what is proven stays so."""
        seat = self._seats.get(claim.partition)
        return seat is not None and (
            seat.tenure.run <= claim.epoch <= seat.tenure.epoch and seat.proven >= milliseconds(claim.until)
        )

    def _proven(self, claim: Claim) -> bool | None:
        """Whether `claim` is proven; None where it can no longer be proven here."""
        seat = self._held_for(claim)
        if seat is None:
            return None
        if seat.proven >= milliseconds(claim.until):
            return True
        self._want(seat, claim)
        return False

    def _want(self, seat: _Seat, claim: Claim) -> None:
        until = milliseconds(claim.until)
        if until > max(seat.wanted, seat.proven):
            seat.wanted = until
            self._wake()

    def _wake(self) -> None:
        self._work = True
        self._lock.notify_all()

    def _remember(self) -> None:
        self._memory.remember(Memory(self._partitions, dict(self._owned)))
