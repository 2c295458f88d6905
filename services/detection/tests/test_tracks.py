from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from homeward.detection.faces import FoundFace
from homeward.detection.looks import Look, likeness, look_of
from homeward.detection.tracks import Seen, Track, Tracker

MakeFace = Callable[..., FoundFace]


@cache
def _look(person: int) -> Look:
    """Return a look of its own for each person."""
    coarse = np.random.default_rng(person).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return look_of(np.asarray(cv2.resize(coarse, (176, 176), interpolation=cv2.INTER_CUBIC), dtype=np.uint8))


def _between(one: Look, other: Look, share: float) -> Look:
    """Return a look that has `share` of the other one."""
    mixed = one * (1 - share) + other * share
    return np.asarray(mixed / np.linalg.norm(mixed), dtype=np.float32)


class _Room:
    """Gives every track a number and remembers which people it held."""

    def __init__(self, make_face: MakeFace, interval_s: float = 0.25) -> None:
        self.tracker = Tracker(longest_gap_s=0.8)
        self.people: dict[Track, set[int]] = {}
        self._face = make_face
        self._interval_s = interval_s
        self._sample = 0

    def sample(self, *seen: tuple[int, float, float], width: float = 48) -> list[Track]:
        """Show people (who, x, y) in the next sample."""
        at_s = self._sample * self._interval_s
        self._sample += 1
        tracks = self.tracker.follow([Seen(at_s, self._face(x, y, width), _look(who)) for who, x, y in seen])
        for track, (who, _, _) in zip(tracks, seen, strict=True):
            self.people.setdefault(track, set()).add(who)
        return tracks

    @property
    def mixed(self) -> bool:
        return any(len(people) > 1 for people in self.people.values())


def test_one_walker_is_one_track(make_face: MakeFace) -> None:
    room = _Room(make_face)
    for index in range(12):
        room.sample((1, 100 + index * 50, 150))
    assert len(room.people) == 1


def test_two_who_sit_side_by_side_are_two_tracks_throughout(make_face: MakeFace) -> None:
    room = _Room(make_face)
    for index in range(20):
        room.sample((1, 100 + index % 3, 150), (2, 190 - index % 2, 152))
    assert len(room.people) == 2
    assert not room.mixed


def test_two_who_cross_stay_two_people(make_face: MakeFace) -> None:
    for offset in range(0, 96, 4):
        room = _Room(make_face)
        for index in range(9):
            room.sample((1, 100 + index * 60, 150), (2, 580 + offset - index * 60, 155))
        assert not room.mixed, offset


def test_two_who_change_places_unseen_are_not_taken_for_one_another(make_face: MakeFace) -> None:
    room = _Room(make_face)
    room.sample((1, 100, 150), (2, 200, 150))
    room.sample((1, 200, 150), (2, 100, 150))
    assert not room.mixed


def test_look_alikes_who_may_have_changed_places_begin_anew(make_face: MakeFace) -> None:
    one, other = _look(1), _between(_look(1), _look(2), 0.2)
    assert likeness(one, other) > 0.9
    tracker = Tracker(longest_gap_s=0.8)
    first = tracker.follow([Seen(0, make_face(100, 150), one), Seen(0, make_face(200, 150), other)])
    second = tracker.follow([Seen(0.25, make_face(105, 150), other), Seen(0.25, make_face(195, 150), one)])
    assert not set(first) & set(second)


def test_a_stranger_in_the_same_place_is_another(make_face: MakeFace) -> None:
    room = _Room(make_face)
    (first,) = room.sample((1, 100, 150))
    (second,) = room.sample((2, 100, 150))
    assert first is not second


def test_somebody_alike_further_away_is_another_and_in_the_same_place_the_same(make_face: MakeFace) -> None:
    before, after = _look(1), _between(_look(1), _look(2), 0.45)
    assert 0.65 < likeness(before, after) < 0.78
    for away, same in ((5, True), (70, False)):
        tracker = Tracker(longest_gap_s=0.8)
        (first,) = tracker.follow([Seen(0, make_face(100, 150), before)])
        (second,) = tracker.follow([Seen(0.25, make_face(100 + away, 150), after)])
        assert (first is second) is same


def test_nobody_jumps_across_the_picture(make_face: MakeFace) -> None:
    room = _Room(make_face)
    (first,) = room.sample((1, 100, 150))
    (second,) = room.sample((1, 500, 150))
    assert first is not second


def test_a_face_does_not_double_within_a_sample(make_face: MakeFace) -> None:
    tracker = Tracker(longest_gap_s=0.8)
    (first,) = tracker.follow([Seen(0, make_face(100, 150, 40), _look(1))])
    (second,) = tracker.follow([Seen(0.25, make_face(100, 150, 80), _look(1))])
    assert first is not second


def test_a_face_missed_once_is_followed_and_one_gone_for_long_is_not(make_face: MakeFace) -> None:
    room = _Room(make_face)
    (first,) = room.sample((1, 100, 150))
    room.sample()
    (second,) = room.sample((1, 110, 150))
    for _ in range(4):
        room.sample()
    (third,) = room.sample((1, 110, 150))
    assert first is second
    assert second is not third


_WALKERS = st.lists(
    st.tuples(st.floats(0, 640), st.floats(100, 200), st.floats(-420, 420), st.floats(-20, 20)), min_size=2, max_size=6
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(walkers=_WALKERS, interval_s=st.sampled_from([0.2, 0.25, 0.5]), seed=st.integers(0, 10_000))
def test_no_crowd_of_walkers_is_ever_mixed(
    make_face: MakeFace, walkers: list[tuple[float, float, float, float]], interval_s: float, seed: int
) -> None:
    room = _Room(make_face, interval_s)
    dice = np.random.default_rng(seed)
    for index in range(14):
        at_s = index * interval_s
        shown = [
            (who, x + vx * at_s + dice.normal(0, 2), y + vy * at_s + dice.normal(0, 2))
            for who, (x, y, vx, vy) in enumerate(walkers)
            if dice.random() > 0.15
        ]
        room.sample(*shown)
    assert not room.mixed


def _scene(*people: tuple[NDArray[np.uint8], float]) -> NDArray[np.uint8]:
    """Return the brightness of a frame in which people, 48x48, stand at x; later ones are in front."""
    frame = np.full((240, 640), 120, dtype=np.uint8)
    for pixels, x in people:
        left = round(x) - 24
        frame[100:148, left : left + 48] = pixels
    return frame


def _pixels(person: int) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(person).integers(0, 256, (8, 8), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (48, 48), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


@pytest.mark.parametrize("glimpsed", [True, False])
def test_look_alikes_who_approach_are_told_apart_by_the_frames_between(make_face: MakeFace, glimpsed: bool) -> None:
    one, other = _look(1), _between(_look(1), _look(2), 0.2)
    tracker = Tracker(longest_gap_s=0.8)
    pace = 300.0
    tracks = []
    for step in range(5):
        at_s = step / 15
        ahead, back = 150 + pace * at_s, 360 - pace * at_s
        luma = _scene((_pixels(1), ahead), (_pixels(2), back))
        if glimpsed:
            tracker.glimpse(luma, at_s)
        if step in (0, 4):
            faces = [Seen(at_s, make_face(ahead, 124), one), Seen(at_s, make_face(back, 124), other)]
            tracks.append(tracker.follow(faces, luma))
    assert (tracks[0] == tracks[1]) is glimpsed
