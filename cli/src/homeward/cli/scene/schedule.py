"""Who walks past which camera and when, drawn by lot from a seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from homeward.cli.scene.portrait import Portrait
from homeward.cli.scene.walk import Walk, Walker

_OUTSIDE: Final = 1.6
"""How many face widths beyond the edge a walk across begins and ends, so that nobody appears from thin air."""

_NEAREST: Final = 0.52
_FARTHEST: Final = 0.26
"""Height of the nearest and the farthest faces in the picture, in shares: a high camera sees the far ones higher."""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Somebody in the scene, with the portraits (one is enough) that take turns from walk to walk."""

    person_id: str
    portraits: tuple[Portrait, ...]


@dataclass(frozen=True, slots=True)
class Traffic:
    """How people pass: how many at once, how often each, how long a walk takes, how wide the faces are."""

    face_width_px: tuple[float, float] = (48.0, 120.0)
    walk_s: tuple[float, float] = (5.0, 8.0)
    at_once: int = 3
    walks_each: int = 1
    first_at_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Plan:
    """One camera's walkers, and how long the video must be to show them all."""

    walkers: tuple[Walker, ...]
    lasts_s: float


def plan_walks(
    people: Sequence[Person],
    *,
    width_px: int,
    height_px: int,
    seed: int,
    traffic: Traffic = Traffic(),
    lasts_s: float | None = None,
) -> Plan:
    """Return walks of all `people` past one camera, `traffic.walks_each` each, in an order drawn from `seed`.

    Each lane holds one walker at a time at its own distance, and neighbouring lanes run in opposite directions, so
    people cross without standing in one another's face for long. With `lasts_s` the walks are spread over that time.
    Raises ValueError when they do not fit into it.
    """
    dice = np.random.default_rng(seed)
    order = [person for _ in range(traffic.walks_each) for person in dice.permutation(np.arange(len(people)))]
    free_at = [traffic.first_at_s + 1.1 * lane for lane in range(traffic.at_once)]
    turns = [0] * len(people)
    walkers = []
    pause_s = _pause_s(len(order), traffic, lasts_s)
    for number in order:
        person = people[number]
        lane = int(np.argmin(free_at))
        starts = free_at[lane] + float(dice.uniform(0.6, 1.4)) * pause_s
        walk = _walk(dice, lane, starts, traffic, (width_px, height_px))
        free_at[lane] = walk.leaves_at_s + 0.3
        portrait = person.portraits[(turns[number] + seed) % len(person.portraits)]
        turns[number] += 1
        walkers.append(Walker(person.person_id, portrait, walk))
    needed = max((walker.walk.leaves_at_s for walker in walkers), default=0.0) + 1
    if lasts_s is not None and needed > lasts_s:
        raise ValueError(
            f"{len(walkers)} walks need {needed:.0f} s, not {lasts_s:.0f} s; let more walk at once or make them shorter"
        )
    return Plan(tuple(walkers), float(np.ceil(needed)) if lasts_s is None else lasts_s)


def _pause_s(walks: int, traffic: Traffic, lasts_s: float | None) -> float:
    """Return the mean pause between two walks of a lane that spreads them over the video."""
    if lasts_s is None or walks == 0:
        return 0.3
    rounds = -(-walks // traffic.at_once)
    longest = rounds * (traffic.walk_s[1] + 0.3)
    spare = lasts_s - 2 - traffic.first_at_s - 1.1 * traffic.at_once - longest
    return max(0.1, spare / rounds / 1.4)


def _walk(dice: np.random.Generator, lane: int, starts_s: float, traffic: Traffic, size_px: tuple[int, int]) -> Walk:
    width_px, height_px = size_px
    least, most = traffic.face_width_px
    span = (most - least) / traffic.at_once
    # The lane's own distance, and a little way nearer or farther while walking.
    first, last = (float(np.clip(least + span * (lane + dice.uniform(0, 1)), least, most)) for _ in range(2))
    heights = [_face_height(width, traffic) * height_px for width in (first, last)]
    edges = (-_OUTSIDE * first, width_px + _OUTSIDE * last)
    if lane % 2 == 1:
        edges = (width_px + _OUTSIDE * first, -_OUTSIDE * last)
    lasts_s = float(dice.uniform(*traffic.walk_s))
    return Walk(starts_s, lasts_s, (edges[0], heights[0]), (edges[1], heights[1]), (first, last))


def _face_height(face_width_px: float, traffic: Traffic) -> float:
    least, most = traffic.face_width_px
    share = (face_width_px - least) / (most - least) if most > least else 0.5
    return _FARTHEST + (_NEAREST - _FARTHEST) * share
