"""How long one camera's footage may live: every limit that it was given, since none may be taken back. Pure."""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, Self

from homeward.shared.instants import format_instant, parse_instant
from homeward.shared.topics import FOOTAGE_RETENTION

CEILING: Final = FOOTAGE_RETENTION

SHORTEST: Final = timedelta(hours=1)
"""The sweep's own rhythm: a shorter one could not be kept. Ingest refuses a camera that asks for it."""

FORGET_AFTER: Final = CEILING + timedelta(days=1)
"""Footage that is older than this is gone whatever was promised."""


class UnreadableLimitsError(ValueError):
    """Limits that were written down and cannot be read."""


@dataclass(frozen=True, slots=True)
class CameraLimits:
    """The limits of one camera, by the instant from which each holds; the first holds for all footage before it too.

    Footage goes at the shortest limit in force at any time since it was taken: a limit that is lengthened holds for
    what is taken from then on, one that is shortened for everything. `told` is the limit that the table of cameras
    tells now, None once the camera is removed; `removed_at` is when that was noticed.
    """

    promises: tuple[tuple[datetime, timedelta], ...] = ()
    told: timedelta | None = None
    removed_at: datetime | None = None

    def promised(self, since: datetime, limit: timedelta) -> Self:
        """Return the limits with another; the same again, as a table that is read anew tells it, changes nothing."""
        known = dict(self.promises)
        known[since] = min(limit, known.get(since, limit))
        return replace(self, promises=_without_repeats(sorted(known.items())), told=limit, removed_at=None)

    def joined(self, other: "CameraLimits") -> Self:
        """Return the limits with those of `other`, which were known earlier."""
        joined = self
        for since, limit in other.promises:
            joined = joined.promised(since, limit)
        return replace(joined, told=self.told, removed_at=None if self.told else self.removed_at or other.removed_at)

    def removed(self, at: datetime) -> Self:
        """Return the limits of the camera after its removal: those that it had hold for its footage."""
        return replace(self, told=None, removed_at=self.removed_at or at)

    def limit(self, taken_at: datetime) -> timedelta:
        """Return how long footage taken at `taken_at` may live."""
        limits = [CEILING] if self.told is None else [CEILING, self.told]
        ends = [since for since, _ in self.promises[1:]]
        for (_, limit), ends_at in zip(self.promises, [*ends, None], strict=True):
            if ends_at is None or taken_at < ends_at:
                limits.append(limit)
        return min(limits)

    @property
    def shortest(self) -> timedelta:
        """The shortest limit that holds for any of the camera's footage."""
        return min([CEILING, *(limit for _, limit in self.promises)])

    def pruned(self, now: datetime) -> Self | None:
        """Return the limits without those that hold for no footage any more; None when none is left."""
        if self.removed_at is not None and self.removed_at + FORGET_AFTER < now:
            return None
        kept = self.promises
        for first, second in pairwise(self.promises):
            if second[0] + FORGET_AFTER < now:
                kept = kept[kept.index(first) + 1 :]
        return replace(self, promises=kept)

    def to_json(self) -> bytes:
        """Return the limits to be written down."""
        promises = [[format_instant(since), limit.total_seconds()] for since, limit in self.promises]
        removed = None if self.removed_at is None else format_instant(self.removed_at)
        return json.dumps({"promises": promises, "removed_at": removed}).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Return the limits that `to_json` wrote; raise UnreadableLimitsError for anything else."""
        try:
            read = json.loads(data)
            promises = tuple((parse_instant(since), timedelta(seconds=limit)) for since, limit in read["promises"])
            removed = read["removed_at"]
            return cls(promises, None, None if removed is None else parse_instant(removed))
        except (ValueError, TypeError, KeyError) as error:
            raise UnreadableLimitsError("the limits that were written down are not readable") from error


def _without_repeats(promises: list[tuple[datetime, timedelta]]) -> tuple[tuple[datetime, timedelta], ...]:
    """Return the promises without those that repeat the one before: most changes of a camera are of another kind."""
    return tuple(
        promise for index, promise in enumerate(promises) if index == 0 or promise[1] != promises[index - 1][1]
    )
