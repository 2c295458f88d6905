"""Who may tell of a partition's cameras: epochs, and what a replica that was replaced may still say. Pure.

An epoch is the instant from which its owner tells, in milliseconds since 1970, so that epochs rise by themselves and
each says where the one before it ends. A replica that takes a partition picks an instant that is not before anything
its predecessor has proved; from then on nobody else may tell of that time or later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final

from homeward.ingest.media.stretches import Claim
from homeward.ingest.ports import CameraState

_1970: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

REMEMBERED_TAKINGS: Final = 64
"""How many takings a partition's record keeps: about 1 kB, a quarter of what a broker takes with an offset."""

_FORMAT: Final = "v1"


def milliseconds(instant: datetime) -> int:
    """Return `instant` in milliseconds since 1970, rounded up: a bound must not fall before what it bounds."""
    return -((_1970 - instant) // _MILLISECOND)


def instant(milliseconds_: int) -> datetime:
    """Return the instant of so many milliseconds since 1970."""
    return _1970 + milliseconds_ * _MILLISECOND


@dataclass(frozen=True, slots=True)
class Tenure:
    """A replica's ownership of a partition: its epoch, and the first epoch since which nobody else has owned it.

    `run` is 0 where nobody is known to have owned it before.
    """

    partition: int
    epoch: int
    run: int

    @property
    def since(self) -> datetime:
        """From when on this owner tells."""
        return instant(self.epoch)

    def trusts(self, state: CameraState) -> bool:
        """Whether what this replica remembers of a camera is still how far its time was told."""
        return self.run == 0 or (state.epoch is not None and state.epoch >= self.run)


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a replica remembers of a partition that it owned: the epoch, and the first one of an unbroken run."""

    epoch: int
    run: int


@dataclass(frozen=True, slots=True)
class Memory:
    """What outlives a restart: the number of partitions, and each one that was owned."""

    partitions: int = 0
    owned: Mapping[int, Remembered] | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """What the group keeps of a partition, as its committed offset and that offset's metadata.

    `epoch` is the owner's; it has proved that it may tell up to `proven`, in milliseconds since 1970. `takings` are the
    epochs known, the latest first.
    """

    epoch: int
    proven: int
    takings: tuple[int, ...]

    @property
    def metadata(self) -> str:
        """What is written beside the offset, which is the epoch."""
        return " ".join([_FORMAT, str(self.proven), *(str(epoch) for epoch in self.takings)])

    def proving(self, until: int) -> "Record":
        """Return the record by which the owner proves that it may tell up to `until`."""
        return Record(self.epoch, max(self.proven, until), self.takings)


def read_record(offset: int, metadata: str | None) -> Record | None:
    """Return what a committed offset says; None where nothing is committed.

    A broker that keeps no metadata leaves the epoch alone: nothing is proven, and no earlier owner is known.
    """
    if offset < 0:
        return None
    form, *figures = (metadata or "").split(" ")
    if form == _FORMAT and figures and all(figure.isdigit() for figure in figures):
        proven, *takings = (int(figure) for figure in figures)
        if takings and takings[0] == offset:
            return Record(offset, proven, tuple(takings))
    return Record(offset, offset, (offset,))


def take(record: Record | None, now: datetime) -> Record:
    """Return the record by which a new owner takes a partition at `now`."""
    if record is None:
        epoch = milliseconds(now)
        return Record(epoch, epoch, (epoch,))
    epoch = max(milliseconds(now), record.proven, record.epoch + 1)
    return Record(epoch, epoch, (epoch, *record.takings)[:REMEMBERED_TAKINGS])


class Verdict(Enum):
    """Whether a stretch may be told."""

    SEND = "send"
    WAIT = "wait"
    """It is not known yet."""
    FENCED = "fenced"
    """Another owner tells of its end."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict; `since` is from when on another owner tells, where that fences the stretch."""

    verdict: Verdict
    since: datetime | None = None


SEND: Final = Judgement(Verdict.SEND)
WAIT: Final = Judgement(Verdict.WAIT)


def judge(claim: Claim, record: Record | None) -> Judgement:
    """Judge a claim of an epoch that this replica no longer holds, by what the group keeps of its partition."""
    if record is None:
        # Nobody has taken it since the group forgot: somebody will, and that says until when the claim held.
        return WAIT
    until = milliseconds(claim.until)
    later = [epoch for epoch in record.takings if epoch > claim.epoch]
    if not later:
        return SEND if record.epoch == claim.epoch and until <= record.proven else WAIT
    forgotten = len(record.takings) >= REMEMBERED_TAKINGS and claim.epoch not in record.takings
    successor = claim.epoch if forgotten else min(later)
    return SEND if until <= successor else Judgement(Verdict.FENCED, instant(successor))
