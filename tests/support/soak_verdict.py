"""What a soak must end with: every second of every camera is footage or an explained gap, from the log alone."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from homeward.shared.coverage import Stretch, total, window_coverage
from homeward.shared.objectkeys import FOOTAGE_BUCKET
from homeward.shared.objectstore.port import ObjectStore, ObjectStoreError
from homewardapi.clip.v1.clip_pb2 import Clip, GapCause
from support.load_cameras import Sent
from support.soak_faults import Fault

_CLOCKS: Final = timedelta(seconds=0.5)
"""How far the place of a clip may be from when it was sent: arrival and the camera's clock are not the same."""

_SLEWED_WITHIN: Final = timedelta(minutes=15)
"""How long a clock that was set back may still show in a clip's place: 4 s are followed by half a hundredth."""

_OPEN_CLIP: Final = timedelta(seconds=6)
"""How much a killed recorder takes with it: a clip of 4 s, the way to its key frame, and a wait to be spooled."""

_AFTERMATH: Final = timedelta(seconds=20)
"""How long a fault may still cost footage once it is over: sessions run out, waits between attempts, a key frame."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one camera's window; `troubles` is empty where all is well."""

    camera: str
    window: timedelta
    footage: timedelta
    gaps: dict[str, timedelta]
    clips: int
    troubles: list[str]


def judge(
    camera: str,
    clips: Sequence[Clip],
    window: Stretch,
    *,
    frame: timedelta,
    sent: Sequence[Sent],
    faults: Sequence[Fault],
    objects: ObjectStore,
) -> Verdict:
    """Judge one camera by its events in the log, what it sent, what went wrong, and what is stored."""
    troubles: list[str] = []
    troubles += [f"announced in two ways: {told}" for told in _two_ways(clips)]
    clips = sorted({clip.clip_id: clip for clip in clips}.values(), key=lambda clip: clip.starts_at.ToNanoseconds())
    covered = window_coverage(clips, window.starts_at, window.ends_at)
    untold = total(covered.untold)
    if untold > frame:
        troubles.append(f"{untold.total_seconds():.2f} s untold, first at {covered.untold[0].starts_at:%H:%M:%S.%f}")
    stored = [clip for clip in clips if clip.HasField("stored")]
    doubled = _doubled(stored)
    if doubled > frame:
        troubles.append(f"{doubled.total_seconds():.2f} s recorded twice")
    invented = list(_outside(covered.footage, [*_sent(sent)]))
    if total(invented) > frame:
        troubles.append(
            f"{total(invented).total_seconds():.2f} s of footage where nothing was sent, first at "
            f"{invented[0].starts_at:%H:%M:%S.%f}"
        )
    excuses = [Stretch(f.starts_at - _OPEN_CLIP, f.ends_at + _AFTERMATH) for f in faults if f.explains]
    unexplained = list(_outside(covered.gaps, excuses))
    if total(unexplained) > frame:
        first = unexplained[0]
        troubles.append(
            f"{total(unexplained).total_seconds():.2f} s of gaps without a fault, first at {first.starts_at}"
        )
    troubles += _spoilt(stored, objects)
    gaps: dict[str, timedelta] = {}
    for gap in covered.gaps:
        name = GapCause.Name(gap.cause).removeprefix("GAP_CAUSE_")
        gaps[name] = gaps.get(name, timedelta(0)) + gap.length
    return Verdict(camera, window.length, total(covered.footage), gaps, len(stored), troubles)


def _two_ways(clips: Sequence[Clip]) -> Iterable[str]:
    """Yield how each clip was told that was not told the same every time."""
    told: dict[str, list[Clip]] = {}
    for clip in clips:
        ways = told.setdefault(clip.clip_id, [])
        if clip not in ways:
            ways.append(clip)
    for ways in told.values():
        if len(ways) > 1:
            yield " and ".join(_told(clip) for clip in ways)


def _told(clip: Clip) -> str:
    starts_at, ends_at = clip.starts_at.ToDatetime(), clip.ends_at.ToDatetime()
    what = "footage" if clip.HasField("stored") else GapCause.Name(clip.gap.cause).removeprefix("GAP_CAUSE_")
    return f"{what} {starts_at:%H:%M:%S.%f} to {ends_at:%H:%M:%S.%f}"


def table(verdicts: Sequence[Verdict]) -> str:
    """Return a line a camera."""
    lines = [f"{'camera':<10} {'footage':>9} {'gaps':>8} {'sum':>9} {'wall':>9} {'clips':>6}  of the gaps"]
    for one in verdicts:
        gaps = sum(one.gaps.values(), timedelta(0))
        causes = ", ".join(f"{name} {length.total_seconds():.2f}" for name, length in sorted(one.gaps.items()))
        lines.append(
            f"{one.camera:<10} {one.footage.total_seconds():>9.2f} {gaps.total_seconds():>8.2f} "
            f"{(one.footage + gaps).total_seconds():>9.2f} {one.window.total_seconds():>9.2f} {one.clips:>6}  {causes}"
        )
        lines += [f"{'':<10} WRONG: {trouble}" for trouble in one.troubles]
    return "\n".join(lines)


def _sent(runs: Sequence[Sent]) -> Iterable[Stretch]:
    """Yield when a camera sent, by the recorder's clock, by its own, and by what its own was a while ago."""
    for run in runs:
        before = [one for one in runs if one.starts_at <= run.starts_at <= one.ends_at + _SLEWED_WITHIN]
        recent = {one.clock_ahead for one in before}
        for ahead in {timedelta(0), *recent}:
            yield Stretch(run.starts_at + ahead - _CLOCKS, run.ends_at + ahead + _CLOCKS)


def _outside(stretches: Iterable[Stretch], allowed: Sequence[Stretch]) -> Iterable[Stretch]:
    """Yield what of `stretches` lies in none of `allowed`."""
    ordered = sorted(allowed, key=lambda one: one.starts_at)
    for stretch in stretches:
        at = stretch.starts_at
        for one in ordered:
            if one.ends_at <= at or one.starts_at >= stretch.ends_at:
                continue
            if one.starts_at > at:
                yield Stretch(at, one.starts_at)
            at = max(at, one.ends_at)
        if at < stretch.ends_at:
            yield Stretch(at, stretch.ends_at)


def _doubled(stored: Sequence[Clip]) -> timedelta:
    """Return how much time more than one clip holds."""
    doubled, through = timedelta(0), datetime.min.replace(tzinfo=UTC)
    for clip in stored:
        starts_at, ends_at = clip.starts_at.ToDatetime(tzinfo=UTC), clip.ends_at.ToDatetime(tzinfo=UTC)
        doubled += max(timedelta(0), min(through, ends_at) - starts_at)
        through = max(through, ends_at)
    return doubled


def _spoilt(stored: Sequence[Clip], objects: ObjectStore) -> list[str]:
    troubles = []
    for clip in stored:
        try:
            content = objects.get(FOOTAGE_BUCKET, clip.stored.object_key)
        except ObjectStoreError:
            troubles.append(f"clip {clip.clip_id} is announced and not stored")
            continue
        if hashlib.sha256(content).digest() != clip.stored.sha256 or len(content) != clip.stored.size_bytes:
            troubles.append(f"clip {clip.clip_id} is not what its event says")
    return troubles
