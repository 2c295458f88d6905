"""When frames are decoded: RTP tells only when they are shown."""

import heapq
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

_DEEPEST: Final = 16
"""The most frames that H.264 and H.265 let a frame overtake."""

_ANEW: Final = 90_000
"""Frames shown so much before the last decoding, in 1/90000 s, are of a clock that was set back."""

_USUAL_STEP: Final = 3_600
"""A frame's length where nothing tells it, in 1/90000 s: at 25 a second."""


class DecodingTimes:
    """Gives each frame, in decoding order, a decoding time that rises and is not past its presentation.

    With a reordering of `depth` frames, the frame at place n is decoded when the frame at place n - depth of the order
    of presentation is shown. Without reordering both times are the same.
    """

    def __init__(self, depth: int, first: Sequence[int]) -> None:
        """`depth` is what the stream declares, 0 where it declares nothing; `first` are the first frames' times.

        The frames of `first`, in decoding order and not empty, tell the depth where the stream does not. They are
        not taken yet: offer them as all others.
        """
        seen = max(sum(before > pts for before in first[:place]) for place, pts in enumerate(first))
        shown = sorted(set(first))
        self._step = min((late - early for early, late in pairwise(shown)), default=_USUAL_STEP)
        self._waiting: list[int] = []
        self._last: int | None = None
        self._begin(shown[0], min(max(depth, seen), _DEEPEST))

    def offer(self, pts: int) -> int:
        """Return the decoding time of the next frame, shown at `pts`."""
        last = self._last
        if last is not None and pts < last - _ANEW:
            self._begin(pts, len(self._waiting))
            last = None
        heapq.heappush(self._waiting, pts)
        if last is not None and pts < last and len(self._waiting) <= _DEEPEST:
            # Shown before what was decoded already: the order is deeper than anything told so far. One more frame
            # is kept back from here on, so that the next such frame is right.
            dts = last + 1
        else:
            dts = heapq.heappop(self._waiting)
            if last is not None:
                dts = max(dts, last + 1)
        self._last = dts
        return dts

    def _begin(self, pts: int, depth: int) -> None:
        self._waiting = [pts - place * self._step for place in range(depth, 0, -1)]
