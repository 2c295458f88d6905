"""What a camera's clips and gaps say, in the words of a test."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Self

from homewardapi.clip.v1.clip_pb2 import Clip, GapCause


@dataclass(frozen=True, slots=True)
class Told:
    """One stretch: footage, or a gap with its cause in short, such as "SOURCE_LOST"."""

    what: str
    starts_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, clip: Clip) -> Self:
        """Return what `clip` says."""
        cause = GapCause.Name(clip.gap.cause).removeprefix("GAP_CAUSE_") if clip.HasField("gap") else "footage"
        return cls(cause, clip.starts_at.ToDatetime(tzinfo=UTC), clip.ends_at.ToDatetime(tzinfo=UTC))

    @property
    def lasts(self) -> timedelta:
        """How long it is."""
        return self.ends_at - self.starts_at


def told(clips: Sequence[Clip]) -> list[Told]:
    """Return what `clips` of one camera say, in their order; they must cover its time without hole or overlap."""
    stretches = [Told.of(clip) for clip in clips]
    for before, after in pairwise(stretches):
        assert before.ends_at == after.starts_at, f"{before} and {after} do not meet"
    assert len({clip.clip_id for clip in clips}) == len(clips)
    return stretches


def gaps(stretches: Sequence[Told]) -> list[Told]:
    """Return the gaps among them, neighbours of one cause as one."""
    found: list[Told] = []
    for one in stretches:
        if one.what == "footage":
            continue
        if found and found[-1].what == one.what and found[-1].ends_at == one.starts_at:
            one = Told(one.what, found.pop().starts_at, one.ends_at)  # noqa: PLW2901 - it grows
        found.append(one)
    return found
