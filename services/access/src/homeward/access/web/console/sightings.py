"""Sightings as pages show them: figures in round numbers, and where and when on one line of time."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from homeward.access.review.model import SightingView
from homeward.access.review.verdict import Standing

_LEAST: Final = timedelta(minutes=10)
"""A line of time is never shorter: two sightings a second apart would look like the two ends of a day."""

_EDGE: Final = 0.03
"""Room at both ends of the line, as a share of it."""

_WIDEST: Final = 1000.0


@dataclass(frozen=True, slots=True)
class Figures:
    """A sighting's figures, rounded as far as they mean anything, as text; empty where they are not known.

    `times` is how many times likelier the score is if it is one person, below 1 as a fraction of one; `one_in` is of
    how many strangers one scores as high.
    """

    times: str
    one_in: str


@dataclass(frozen=True, slots=True)
class Mark:
    """One sighting on a line of time, from `left` on in thousandths of it."""

    sighting: SightingView
    left: float
    width: float


@dataclass(frozen=True, slots=True)
class Track:
    """The sightings of one camera, in the order of time; `place` is where it stands on the plan, None for nowhere."""

    camera_id: str
    name: str
    place: tuple[float, float] | None
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The cameras of some sightings, by the first of each, on one line of time."""

    starts_at: datetime
    ends_at: datetime
    tracks: tuple[Track, ...]


def figures(view: SightingView) -> Figures:
    """Return the figures of a sighting."""
    times, rate = view.likelihood_ratio, view.false_match_rate
    return Figures("" if times is None else _rounded(times), "" if rate is None else _rounded(1 / rate))


@dataclass(frozen=True, slots=True)
class Places:
    """The cameras' names, and where they stand on the operator's plan as shares of its width and height."""

    names: Mapping[str, str]
    on_plan: Mapping[str, tuple[float, float]]

    def name(self, camera_id: str) -> str:
        """Return a camera's name, its id where it has none."""
        return self.names.get(camera_id, camera_id)


def timeline(views: Sequence[SightingView], places: Places) -> Timeline | None:
    """Return where and when `views` were seen, None where there are none. Rejected ones are left out."""
    shown = [view for view in views if view.standing is not Standing.REJECTED]
    if not shown:
        return None
    first, last = min(view.first_seen_at for view in shown), max(view.last_seen_at for view in shown)
    if last - first < _LEAST:
        middle = first + (last - first) / 2
        first, last = middle - _LEAST / 2, middle + _LEAST / 2
    edge = (last - first) * _EDGE
    starts_at, ends_at = first - edge, last + edge
    by_camera: dict[str, list[Mark]] = {}
    for view in sorted(shown, key=lambda one: (one.first_seen_at, one.sighting_id)):
        left = (view.first_seen_at - starts_at) / (ends_at - starts_at) * _WIDEST
        width = (view.last_seen_at - view.first_seen_at) / (ends_at - starts_at) * _WIDEST
        by_camera.setdefault(view.camera_id, []).append(Mark(view, round(left, 1), round(width, 1)))
    tracks = [
        Track(camera_id, places.name(camera_id), places.on_plan.get(camera_id), tuple(marks))
        for camera_id, marks in by_camera.items()
    ]
    return Timeline(starts_at, ends_at, tuple(tracks))


def _rounded(value: float) -> str:
    """Return a figure with one significant digit where it is below 1 and two above it, thousands set apart."""
    if value < 1:
        return f"{value:.1g}"
    digits = 1 - math.floor(math.log10(value))
    rounded = round(value, digits)
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"  # noqa: PLR2004 - two digits
