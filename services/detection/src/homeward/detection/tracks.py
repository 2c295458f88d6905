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

    def __init__(self, first: Seen) -> None:
        """Begin with the face that was found first."""
        self.last = first
        self.length = 1
        self._velocity: tuple[float, float] | None = None

    def add(self, seen: Seen) -> None:
        """Follow the face to where it was seen next."""
        span_s = seen.at_s - self.last.at_s
        (x, y), (was_x, was_y) = seen.face.box.centre, self.last.face.box.centre
        self._velocity = (x - was_x) / span_s, (y - was_y) / span_s
        self.last = seen
        self.length += 1

    def cost(self, seen: Seen) -> float | None:
        """Return how unlikely it is that `seen` is this track's face; None when it cannot be."""
        span_s = seen.at_s - self.last.at_s
        width = (seen.face.width_px + self.last.face.width_px) / 2
        alike = likeness(seen.look, self.last.look)
        if alike < _LEAST_ALIKE or abs(math.log(seen.face.width_px / self.last.face.width_px)) > math.log(_GROWTH):
            return None
        (x, y), (was_x, was_y) = seen.face.box.centre, self.last.face.box.centre
        ahead_x, ahead_y = self._velocity or (0.0, 0.0)
        off = math.hypot(x - was_x - ahead_x * span_s, y - was_y - ahead_y * span_s) / width
        drift = _FASTEST_WIDTHS_PER_S if self._velocity is None else _SWERVE_WIDTHS_PER_S
        if off > _JITTER_WIDTHS + drift * span_s or (off > _NEAR_WIDTHS and alike < _LEAST_ALIKE_AFAR):
            return None
        return off * (_UNSTEADY_COST if self._velocity is None else _STEADY_COST) + (1 - alike) * _UNLIKE_COST


class Tracker:
    """The tracks of one clip. Give it every sample in order of time."""

    def __init__(self, *, longest_gap_s: float) -> None:
        """A face not found for `longest_gap_s` begins a new track when it comes again."""
        self._longest_gap_s = longest_gap_s
        self._open: list[Track] = []

    def follow(self, sample: Sequence[Seen]) -> list[Track]:
        """Return the track of each face of one sample, in the same order; all are of one time, after the last."""
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
            if track is None:
                followed.append(Track(seen))
                self._open.append(followed[-1])
            else:
                track.add(seen)
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
