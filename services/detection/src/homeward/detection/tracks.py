"""Faces of one clip put together: one track for one face followed from sample to sample.

A track that ends too early costs a little work later. A track that passes from one person to another would put two
people's pictures into one list. So whenever two links are about as likely, neither is made and new tracks begin.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from homeward.detection.faces import FoundFace
from homeward.detection.looks import Look, likeness
from homeward.detection.patches import Patch, Place

# Distances are in widths of the face (ear to ear, about 0.16 m), so that they mean the same near and far.

_JITTER_WIDTHS: Final = 0.6
"""How far a face may be found from where it is, its head's own movements included."""

_FASTEST_WIDTHS_PER_S: Final = 9.0
"""A brisk walk, 1.5 m/s, across the picture."""

_SWERVE_WIDTHS_PER_S: Final = 2.5
"""How much a walker's speed may differ from what it was in the sample before."""

_GROWTH: Final = 1.4
"""How many times wider or narrower a face may be than in the sample before."""

_LEAST_ALIKE: Final = 0.6
"""Likeness below which a face is another one, wherever it is."""

_LEAST_ALIKE_AFAR: Final = 0.8
"""The same for a face that is not just where the track was to be."""

_NEAR_WIDTHS: Final = 0.5

_STEADY_COST: Final = 0.5
_UNSTEADY_COST: Final = 0.1
"""Cost of a width between a face and where its track was to be; a track of one face knows little of that."""

_FOLLOWED_COST: Final = 1.0
"""The same for a face that was followed from frame to frame: it should be found where it was seen last."""

_UNLIKE_COST: Final = 5.0
"""Cost of a likeness of 0 rather than 1."""

_MARGIN: Final = 0.3
"""A link is made when every other one of its track and of its face costs so much more."""

_IMPOSSIBLE: Final = 1e6


@dataclass(frozen=True, slots=True)
class Seen:
    """One face in one sampled frame, at `at_s` seconds of the clip."""

    at_s: float
    face: FoundFace
    look: Look


class Track:
    """One face followed through the clip."""

    def __init__(self, first: Seen, patch: Patch | None = None) -> None:
        """Begin with the face that was found first; `patch` shows it, so that it can be followed between samples."""
        self.last = first
        self._velocity: Place | None = None
        self._patch: Patch | None = None
        self._pace: Place = (0.0, 0.0)
        self._glimpsed: Place | None = None
        self._glimpsed_s = first.at_s
        self._begin_glimpses(patch)

    def add(self, seen: Seen, patch: Patch | None = None) -> None:
        """Take the face that was found next."""
        span_s = seen.at_s - self.last.at_s
        (x, y), (was_x, was_y) = seen.face.box.centre, self.last.face.box.centre
        self._velocity = (x - was_x) / span_s, (y - was_y) / span_s
        self.last = seen
        self._begin_glimpses(patch)

    def glimpse(self, luma: NDArray[np.uint8], at_s: float) -> None:
        """Follow the face into a frame between two samples."""
        if self._patch is None or self._glimpsed is None:
            return
        x, y = self._glimpsed
        pace_x, pace_y = self._pace
        span_s = at_s - self._glimpsed_s
        found = self._patch.find(luma, (x + pace_x * span_s, y + pace_y * span_s))
        if found is not None and span_s > 0:
            self._pace = (found[0] - x) / span_s, (found[1] - y) / span_s
        self._glimpsed, self._glimpsed_s = found, at_s

    def cost(self, seen: Seen) -> float | None:
        """Return how unlikely it is that `seen` is this track's face; None when it cannot be."""
        span_s = seen.at_s - self.last.at_s
        width = (seen.face.width_px + self.last.face.width_px) / 2
        alike = likeness(seen.look, self.last.look)
        if alike < _LEAST_ALIKE or abs(math.log(seen.face.width_px / self.last.face.width_px)) > math.log(_GROWTH):
            return None
        (ahead_x, ahead_y), drift, step = self._ahead(seen.at_s)
        x, y = seen.face.box.centre
        off = math.hypot(x - ahead_x, y - ahead_y) / width
        if off > _JITTER_WIDTHS + drift * span_s or (off > _NEAR_WIDTHS and alike < _LEAST_ALIKE_AFAR):
            return None
        return off * step + (1 - alike) * _UNLIKE_COST

    def _ahead(self, at_s: float) -> tuple[Place, float, float]:
        """Return where the face should be, how far it may have strayed a second, and what each width costs."""
        if self._glimpsed is not None and self._glimpsed_s > self.last.at_s:
            (x, y), (pace_x, pace_y), span_s = self._glimpsed, self._pace, at_s - self._glimpsed_s
            return (x + pace_x * span_s, y + pace_y * span_s), 0.0, _FOLLOWED_COST
        (x, y), span_s = self.last.face.box.centre, at_s - self.last.at_s
        if self._velocity is None:
            return (x, y), _FASTEST_WIDTHS_PER_S, _UNSTEADY_COST
        pace_x, pace_y = self._velocity
        return (x + pace_x * span_s, y + pace_y * span_s), _SWERVE_WIDTHS_PER_S, _STEADY_COST

    def _begin_glimpses(self, patch: Patch | None) -> None:
        self._patch = patch
        self._pace = self._velocity or (0.0, 0.0)
        self._glimpsed = self.last.face.box.centre
        self._glimpsed_s = self.last.at_s


class Tracker:
    """The tracks of one clip. Give it every sample in order of time."""

    def __init__(self, *, longest_gap_s: float) -> None:
        """A face not found for `longest_gap_s` begins a new track when it comes again."""
        self._longest_gap_s = longest_gap_s
        self._open: list[Track] = []

    def glimpse(self, luma: NDArray[np.uint8], at_s: float) -> None:
        """Follow the open tracks into a frame, uint8 HxW, later than the last; a sampled frame is glimpsed first."""
        for track in self._open:
            track.glimpse(luma, at_s)

    def follow(self, sample: Sequence[Seen], luma: NDArray[np.uint8] | None = None) -> list[Track]:
        """Return the track of each face of one sample, in the same order; all are of one time, after the last.

        `luma`, uint8 HxW, is the sampled frame, from which the faces can be followed into the next ones.
        """
        if not sample:
            return []
        self._open = [track for track in self._open if sample[0].at_s - track.last.at_s <= self._longest_gap_s]
        costs = self._costs(sample)
        tracks: list[Track | None] = [None] * len(sample)
        doubtful: set[int] = set()
        for row, column in zip(*linear_sum_assignment(costs), strict=True):
            if costs[row, column] >= _IMPOSSIBLE:
                continue
            if _sure(costs, row, column):
                tracks[column] = self._open[row]
            else:
                # Whoever it is, every track that might own this face is no longer to be trusted.
                doubtful.update(np.flatnonzero(costs[:, column] < _IMPOSSIBLE).tolist())
        linked = {id(track) for track in tracks}
        self._open = [track for row, track in enumerate(self._open) if row not in doubtful or id(track) in linked]
        followed = []
        for seen, track in zip(sample, tracks, strict=True):
            patch = None if luma is None else Patch.cut(luma, seen.face.box.centre, seen.face.width_px)
            if track is None:
                followed.append(Track(seen, patch))
                self._open.append(followed[-1])
            else:
                track.add(seen, patch)
                followed.append(track)
        return followed

    def _costs(self, sample: Sequence[Seen]) -> NDArray[np.float64]:
        costs = np.full((len(self._open), len(sample)), _IMPOSSIBLE)
        for row, track in enumerate(self._open):
            for column, seen in enumerate(sample):
                cost = track.cost(seen)
                if cost is not None:
                    costs[row, column] = cost
        return costs


def _sure(costs: NDArray[np.float64], row: int, column: int) -> bool:
    """Whether no other face for the track and no other track for the face costs nearly as little."""
    others = np.concatenate([np.delete(costs[row], column), np.delete(costs[:, column], row)])
    return bool((others > costs[row, column] + _MARGIN).all())
