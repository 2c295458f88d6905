"""Which questions are answered by one read of the object store."""

from collections import deque
from dataclasses import dataclass
from typing import Final

from homeward.embedding.answers import Asked, CropAsked

SPAN_BYTES: Final = 4 << 20
"""What one read takes at most from the first crop asked for to the last: more than a clip of a hundred faces holds, and
few enough that the reads under way fit into memory."""


@dataclass(frozen=True, slots=True)
class Question:
    """One reference and the number by which its caller knows it."""

    request_id: int
    asked: Asked


def take_run(waiting: deque[Question]) -> list[Question]:
    """Take, from the head of `waiting`, the questions that one read answers: at least one.

    Crops of one object that were asked for one after the other lie together; whatever else comes is a run of its own.
    """
    run = [waiting.popleft()]
    first = run[0].asked
    if not isinstance(first, CropAsked):
        return run
    start, end = first.offset_bytes, first.offset_bytes + first.length_bytes
    while waiting:
        following = waiting[0].asked
        if not isinstance(following, CropAsked) or following.key != first.key:
            break
        start, end = min(start, following.offset_bytes), max(end, following.offset_bytes + following.length_bytes)
        if end - start > SPAN_BYTES:
            break
        run.append(waiting.popleft())
    return run
