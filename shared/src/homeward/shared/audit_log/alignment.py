"""What became of a sequence: which of its members are missing, moved, changed or foreign. Pure."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Alignment:
    """Where a copy differs from 0, 1, 2, ...

    `changed` are positions at which something unknown stands instead, `removed` ranges of positions that nothing
    stands for, `moved` positions that stand out of order, and `inserted` pairs of a place in the copy and the position
    before it (-1 at the beginning).
    """

    changed: list[int] = field(default_factory=list)
    removed: list[range] = field(default_factory=list)
    moved: list[int] = field(default_factory=list)
    inserted: list[tuple[int, int]] = field(default_factory=list)


def align(places: Sequence[int | None], expected: int) -> Alignment:
    """Return how `places` differs from the whole numbers below `expected`.

    Each of `places` is the position that its member is known to have, None for an unknown one; no position comes
    twice, and none is `expected` or above. As few as possible are called moved.
    """
    found = Alignment()
    present = sorted(place for place in places if place is not None)
    anchors = [(at, place) for at in _longest_rising(places) if (place := places[at]) is not None]
    at_before, before = -1, -1
    for at, place in [*anchors, (len(places), expected)]:
        between = range(at_before + 1, at)
        unknown = [other for other in between if places[other] is None]
        found.moved.extend(moved for other in between if (moved := places[other]) is not None)
        for missing in _gaps(present, before + 1, place):
            # What is unknown and stands where something is missing is that thing, changed.
            pairs = min(len(unknown), len(missing))
            found.changed.extend(missing[:pairs])
            del unknown[:pairs]
            if pairs < len(missing):
                found.removed.append(missing[pairs:])
        found.inserted.extend((other, before) for other in unknown)
        at_before, before = at, place
    found.moved.sort()
    return found


def _gaps(present: Sequence[int], first: int, end: int) -> Iterator[range]:
    """Yield the ranges from `first` until `end` of which nothing is `present`, which is in order."""
    at = bisect_left(present, first)
    while first < end:
        stop = min(present[at], end) if at < len(present) else end
        if first < stop:
            yield range(first, stop)
        first = stop + 1
        at += 1


def _longest_rising(places: Sequence[int | None]) -> list[int]:
    """Return the indices of a longest strictly rising subsequence, passing over None (patience sorting)."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = [-1] * len(places)
    for at, place in enumerate(places):
        if place is None:
            continue
        pile = bisect_left(tails, place)
        before[at] = ends[pile - 1] if pile else -1
        if pile == len(tails):
            tails.append(place)
            ends.append(at)
        else:
            tails[pile] = place
            ends[pile] = at
    rising: list[int] = []
    at = ends[-1] if ends else -1
    while at >= 0:
        rising.append(at)
        at = before[at]
    return rising[::-1]
