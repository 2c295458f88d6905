from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.detection.crops import Candidate, CropKeeper, pack
from homeward.shared.vision.jpeg import decode_picture

_CANVAS = np.zeros((176, 176, 3), dtype=np.uint8)


def _candidate(at_s: float, quality: float, shade: int = 0) -> Candidate:
    return Candidate(at_s, quality, 60, np.full((176, 176, 3), shade, dtype=np.uint8))


def test_the_best_are_kept_best_first() -> None:
    keeper = CropKeeper(2)
    for at_s, quality in ((0, 0.3), (1, 0.9), (2, 0.5), (3, 0.7)):
        keeper.offer(_candidate(at_s, quality))
    assert [crop.quality for crop in keeper.best()] == [0.9, 0.7]


def test_one_moment_is_kept_once() -> None:
    keeper = CropKeeper(3)
    for at_s, quality in ((1.0, 0.8), (1.25, 0.9), (1.4, 0.7), (2.0, 0.2)):
        keeper.offer(_candidate(at_s, quality))
    assert [crop.at_s for crop in keeper.best()] == [1.25, 2.0]


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 60), st.floats(0, 1)), max_size=60), st.integers(1, 5))
def test_memory_is_bounded_and_the_very_best_is_never_lost(offers: list[tuple[float, float]], most: int) -> None:
    keeper = CropKeeper(most)
    for at_s, quality in offers:
        keeper.offer(Candidate(at_s, quality, 60, _CANVAS))
        assert len(keeper._held) <= 2 * most
    best = keeper.best()
    assert len(best) <= most
    if offers:
        assert best[0].quality == max(quality for _, quality in offers)
    times = sorted(crop.at_s for crop in best)
    assert all(later - earlier >= 0.5 for earlier, later in pairwise(times))


def test_every_crop_can_be_read_back_from_where_it_lies() -> None:
    faces = [[_candidate(0, 1, 10), _candidate(1, 1, 90)], [], [_candidate(2, 1, 200)]]
    data, placed = pack(faces)
    assert [len(crops) for crops in placed] == [2, 0, 1]
    end = 0
    for crop in (crop for crops in placed for crop in crops):
        assert crop.offset_bytes == end
        end += crop.length_bytes
        picture = decode_picture(data[crop.offset_bytes : end], 10**6)
        assert abs(int(picture.mean()) - int(crop.candidate.canvas[0, 0, 0])) <= 1
    assert end == len(data)


def test_no_crop_makes_no_object() -> None:
    assert pack([[], []]) == (b"", [[], []])
