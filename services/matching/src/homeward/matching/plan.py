"""The plan of an archive search: stretches of the log cut into tasks of bounded size."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from homeward.shared.ids import search_message_id
from homeward.shared.runtime.partitioner import partition_of


@dataclass(frozen=True, slots=True)
class Stretch:
    """Messages `first_offset` up to, not including, `end_offset` of one partition."""

    partition: int
    first_offset: int
    end_offset: int


def cut(span: Stretch, messages: int) -> Iterator[Stretch]:
    """Yield the tasks of `span`, of at most `messages` messages each: they tile it, in order, and none is empty.

    Cuts stand at whole multiples of `messages`, not at multiples counted from the span's beginning, so that a plan
    made again after the log has grown, or its oldest part has gone, gives the same tasks but for the outermost.
    """
    if messages < 1:
        raise ValueError(f"a task of {messages} messages holds nothing; give 1 or more")
    first = span.first_offset
    while first < span.end_offset:
        end = min((first // messages + 1) * messages, span.end_offset)
        yield Stretch(span.partition, first, end)
        first = end


def task_id(authorisation_id: str, stretch: Stretch, messages: int) -> str:
    """Return the id of the task that searches `stretch`, one of those that `cut` yields for the same `messages`.

    It names the slot between two cuts, so the outermost tasks keep their ids too when the log has grown or shrunk.
    """
    slot = stretch.first_offset // messages
    return search_message_id(authorisation_id, "task", stretch.partition, messages, slot)


def camera_time(cameras: int, window_starts_at: datetime, window_ends_at: datetime, now: datetime) -> timedelta:
    """Return the time of `cameras` cameras together that lies within the window and in the past."""
    return cameras * max(min(window_ends_at, now) - window_starts_at, timedelta())


def partitions_of(cameras: Iterable[str], present: Sequence[int], expected: int) -> list[int]:
    """Return the partitions in which messages of `cameras` can stand, in order.

    `present` are the topic's partitions as they are. Where they are not the `expected` 0 to n - 1, somebody else made
    or widened the topic and a camera may stand anywhere: then every partition is searched.
    """
    if sorted(present) != list(range(expected)):
        return sorted(present)
    return sorted({partition_of(camera, expected) for camera in cameras})
