"""Coverage and gaps, as an operator reads them."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from homeward.cli.spans import format_span
from homeward.shared.coverage import GapStretch, WindowCoverage, total, window_coverage
from homeward.shared.instants import format_instant
from homeward.shared.runtime.partitioner import partition_of
from homeward.shared.runtime.replay import LogReader
from homeward.shared.topics import CLIPS
from homewardapi.clip.v1 import clip_pb2
from homewardapi.clip.v1.clip_pb2 import Clip, GapCause

PENDING: Final = timedelta(minutes=2)
"""How long the newest footage may be on its way: the longest clip, and a key frame that is as late as it may be."""


def covered(
    reader: LogReader, camera_ids: Collection[str], window: tuple[datetime, datetime], now: datetime
) -> Iterator[tuple[str, WindowCoverage]]:
    """Yield each camera and what the log tells of its window, a partition at a time.

    Read to the log's end at `now`, whatever the window: what waited in a spool is told late. Raises LogReadError.
    """
    since, until = window
    count = len(reader.partitions(CLIPS))
    wanted: dict[int, set[str]] = {}
    for camera_id in camera_ids:
        wanted.setdefault(partition_of(camera_id, count), set()).add(camera_id)
    for partition, keys in sorted(wanted.items()):
        told: dict[str, list[Clip]] = {camera_id: [] for camera_id in sorted(keys)}
        first, end = reader.span(CLIPS, partition, since, now)
        for event in reader.read(CLIPS, partition, first, end, keys=keys):
            if isinstance(event.message, Clip):
                told[event.key].append(event.message)
        for camera_id, clips in told.items():
            yield camera_id, window_coverage(clips, since, until)


def cause_name(cause: GapCause.ValueType) -> str:
    """Return a cause in words."""
    return GapCause.Name(cause).removeprefix("GAP_CAUSE_").lower().replace("_", " ")


def summary(found: WindowCoverage) -> str:
    """Return the coverage in a line: 99.97 %, 3 gaps and 12 h off schedule.

    The percent is rounded down, so that no loss reads as none. What an operator asked not to record is no loss, and
    is named; so is time of which nothing is told, unless it is so new that it cannot be.
    """
    parts: list[str] = []
    hundredths = found.hundredths_of_percent
    if hundredths is not None:
        count = len(found.losses)
        parts = [f"{hundredths // 100}.{hundredths % 100:02} %", f"{count} gap" + ("" if count == 1 else "s")]
    planned = [
        (found.planned(clip_pb2.GAP_CAUSE_DISABLED), "switched off"),
        (found.planned(clip_pb2.GAP_CAUSE_NOT_SCHEDULED), "off schedule"),
        (total(found.untold) - _pending(found), "not told"),
    ]
    named = [f"{format_span(span)} {what}" for span, what in planned if span]
    if not named:
        return ", ".join(parts) or "nothing told yet"
    return " and ".join(filter(None, (", ".join(parts), ", ".join(named))))


def as_dict(camera_id: str, found: WindowCoverage) -> dict[str, Any]:
    """Return the coverage as JSON-serialisable data; spans are in seconds."""
    return {
        "camera_id": camera_id,
        "since": format_instant(found.window.starts_at),
        "until": format_instant(found.window.ends_at),
        "percent": None if found.hundredths_of_percent is None else found.hundredths_of_percent / 100,
        "footage_s": total(found.footage).total_seconds(),
        "gap_s": total(found.losses).total_seconds(),
        "disabled_s": found.planned(clip_pb2.GAP_CAUSE_DISABLED).total_seconds(),
        "not_scheduled_s": found.planned(clip_pb2.GAP_CAUSE_NOT_SCHEDULED).total_seconds(),
        "untold_s": total(found.untold).total_seconds(),
        "gaps": [gap_as_dict(gap) for gap in found.gaps],
    }


def gap_as_dict(gap: GapStretch) -> dict[str, Any]:
    """Return a gap as JSON-serialisable data."""
    return {
        "cause": GapCause.Name(gap.cause).removeprefix("GAP_CAUSE_").lower(),
        "from": format_instant(gap.starts_at),
        "to": format_instant(gap.ends_at),
        "length_s": gap.length.total_seconds(),
    }


def _pending(found: WindowCoverage) -> timedelta:
    last = found.untold[-1] if found.untold else None
    fresh = last is not None and last.ends_at == found.window.ends_at and last.length <= PENDING
    return last.length if fresh and last is not None else timedelta(0)
