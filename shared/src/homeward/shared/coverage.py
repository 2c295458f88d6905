"""What became of one camera's time, from the announced clips alone. Pure.

Clips come late, twice and out of order, and one recorder may tell a gap for time of which another still holds footage:
footage goes before a gap, and of two gaps the one of the higher epoch holds, then the one that began later.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from homeward.shared.instants import from_timestamp, require_aware
from homewardapi.clip.v1 import clip_pb2
from homewardapi.clip.v1.clip_pb2 import Clip, GapCause

PLANNED: Final = frozenset({clip_pb2.GAP_CAUSE_NOT_SCHEDULED, clip_pb2.GAP_CAUSE_DISABLED})
"""Causes that an operator asked for: such time is no loss."""

_NOTHING: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class Stretch:
    """[starts_at, ends_at) of the window."""

    starts_at: datetime
    ends_at: datetime

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.ends_at - self.starts_at


@dataclass(frozen=True, slots=True)
class GapStretch(Stretch):
    """A stretch without footage."""

    cause: GapCause.ValueType


@dataclass(frozen=True, slots=True)
class WindowCoverage:
    """A window's footage, its gaps, and the time of which nothing was told: each in order, and all of it once.

    Stretches of footage that touch are one, and so are gaps that touch and have the same cause.
    """

    window: Stretch
    footage: tuple[Stretch, ...]
    gaps: tuple[GapStretch, ...]
    untold: tuple[Stretch, ...]

    @property
    def losses(self) -> tuple[GapStretch, ...]:
        """The gaps that no operator asked for."""
        return tuple(gap for gap in self.gaps if gap.cause not in PLANNED)

    def planned(self, cause: GapCause.ValueType) -> timedelta:
        """Return how much of the window is a gap of this cause."""
        return total(gap for gap in self.gaps if gap.cause == cause)

    @property
    def hundredths_of_percent(self) -> int | None:
        """How much is footage of the time that is told and that was to be recorded, rounded down; 10,000 is all of it.

        Rounded down, so that the smallest loss never reads as none. None where there is no such time.
        """
        footage = total(self.footage)
        told = footage + total(self.losses)
        return None if told == _NOTHING else footage * 10_000 // told


def total(stretches: Iterable[Stretch]) -> timedelta:
    """Return how long `stretches` are together."""
    return sum((stretch.length for stretch in stretches), _NOTHING)


def window_coverage(clips: Iterable[Clip], since: datetime, until: datetime) -> WindowCoverage:
    """Return what `clips`, all of one camera and in any order, tell of [since, until).

    Raises ValueError for an empty window.
    """
    window = Stretch(require_aware(since), require_aware(until))
    if window.length <= _NOTHING:
        raise ValueError("the window is empty: it ends before it begins")
    footage: list[Stretch] = []
    gaps: list[GapStretch] = []
    untold: list[Stretch] = []
    for piece in _merged(_pieces(_told(clips, window), window)):
        if piece.claim is None:
            untold.append(Stretch(piece.starts_at, piece.ends_at))
        elif piece.claim.cause is None:
            footage.append(Stretch(piece.starts_at, piece.ends_at))
        else:
            gaps.append(GapStretch(piece.starts_at, piece.ends_at, piece.claim.cause))
    return WindowCoverage(window, tuple(footage), tuple(gaps), tuple(untold))


@dataclass(frozen=True, slots=True, order=True)
class _Claim:
    """What one clip says of a stretch, in the order in which claims give way: the highest holds."""

    rank: tuple[bool, int, datetime, int]
    ends_at: datetime

    @property
    def starts_at(self) -> datetime:
        return self.rank[2]

    @property
    def cause(self) -> GapCause.ValueType | None:
        return None if self.rank[0] else GapCause.ValueType(self.rank[3])


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of which one claim holds, or none."""

    starts_at: datetime
    ends_at: datetime
    claim: _Claim | None


def _told(clips: Iterable[Clip], window: Stretch) -> Iterator[_Claim]:
    for clip in clips:
        starts_at, ends_at = from_timestamp(clip.starts_at), from_timestamp(clip.ends_at)
        if starts_at >= window.ends_at or ends_at <= window.starts_at or ends_at <= starts_at:
            continue
        stored = clip.HasField("stored")
        rank = (stored, clip.optional_epoch, starts_at, 0 if stored else int(clip.gap.cause))
        yield _Claim(rank, ends_at)


def _pieces(claims: Iterable[_Claim], window: Stretch) -> Iterator[_Piece]:
    """Sweep over the window; the claims that lie over a moment wait on a heap, the highest on top."""
    ordered = sorted(set(claims), key=lambda claim: claim.starts_at)
    over: list[_Highest] = []
    at, index = window.starts_at, 0
    while at < window.ends_at:
        while index < len(ordered) and ordered[index].starts_at <= at:
            heapq.heappush(over, _Highest(ordered[index]))
            index += 1
        while over and over[0].claim.ends_at <= at:
            heapq.heappop(over)
        # Until then no other claim begins, and the one that holds does not end.
        then = window.ends_at if index == len(ordered) else min(window.ends_at, ordered[index].starts_at)
        claim = over[0].claim if over else None
        if claim is not None:
            then = min(then, claim.ends_at)
        yield _Piece(at, then, claim)
        at = then


@dataclass(frozen=True, slots=True)
class _Highest:
    """A claim on a heap, whose top is the least: there it is the highest."""

    claim: _Claim

    def __lt__(self, other: "_Highest") -> bool:
        return self.claim > other.claim


def _merged(pieces: Iterable[_Piece]) -> Iterator[_Piece]:
    before: _Piece | None = None
    for piece in pieces:
        if before is not None and _kind(before) == _kind(piece):
            before = _Piece(before.starts_at, piece.ends_at, before.claim)
            continue
        if before is not None:
            yield before
        before = piece
    if before is not None:
        yield before


def _kind(piece: _Piece) -> tuple[bool, GapCause.ValueType | None]:
    return piece.claim is None, None if piece.claim is None else piece.claim.cause
