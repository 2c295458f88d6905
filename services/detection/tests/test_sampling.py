from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.detection.sampling import CALM_BYTES, LONGEST_CALM_S, CalmWatch, Sampler, SamplingPlan


@pytest.mark.parametrize(
    ("interval_s", "alone"), [(0.0, False), (0.04, True), (0.5, True), (0.501, False), (10.0, False)]
)
def test_key_frames_alone_when_they_are_dense(interval_s: float, alone: bool) -> None:
    plan = SamplingPlan.of(
        key_frame_interval=timedelta(seconds=interval_s), interval_s=0.25, dense=timedelta(seconds=0.5)
    )
    assert plan.key_frames_only is alone


@settings(deadline=None)
@given(st.integers(5, 120), st.integers(1, 10))
def test_a_steady_camera_gives_the_wanted_rate(fps: int, rate: int) -> None:
    sampler = Sampler(1 / rate)
    taken = [index / fps for index in range(fps * 10) if sampler.take(index / fps)]
    assert taken[0] == 0
    assert len(taken) == min(rate, fps) * 10 or abs(len(taken) - min(rate, fps) * 10) <= 1


@settings(deadline=None)
@given(st.lists(st.floats(0.001, 3), min_size=1, max_size=200), st.floats(0.1, 2))
def test_uneven_frames_are_never_left_out_for_longer_than_they_must(gaps: list[float], interval_s: float) -> None:
    sampler, at_s, last_s, before_s = Sampler(interval_s), 0.0, 0.0, 0.0
    assert sampler.take(0.0)
    for gap in gaps:
        before_s, at_s = at_s, at_s + gap
        if sampler.take(at_s):
            # The frame before was not due yet, so it lies within one interval of the last one taken.
            assert before_s - last_s < interval_s + 0.001
            last_s = at_s
    assert at_s - last_s < interval_s + 0.001


@settings(deadline=None)
@given(st.lists(st.floats(0.001, 3), min_size=1, max_size=200))
def test_a_pause_is_not_made_up_for_afterwards(gaps: list[float]) -> None:
    sampler, times = Sampler(0.25), [0.0]
    for gap in gaps:
        times.append(times[-1] + gap)
    taken = [at_s for at_s in times if sampler.take(at_s)]
    # Two may lie on both sides of a due time; a third within one interval would be one too many.
    assert all(third - first >= 0.249 for first, third in zip(taken, taken[2:], strict=False))


def test_a_face_may_be_missed_in_one_key_frame_and_still_be_followed() -> None:
    plan = SamplingPlan.of(key_frame_interval=timedelta(seconds=1), interval_s=0.25, dense=timedelta(seconds=2))
    assert 2 < plan.longest_gap_s < 3


def _watched(sizes: list[list[int]]) -> list[bool]:
    """Return which key frames, a second apart, are passed over; each is followed by frames of `sizes`."""
    watch, passed = CalmWatch(), []
    for second, between in enumerate(sizes):
        passed.append(watch.passes_over(second))
        for size in between:
            watch.between(size)
    return passed


def test_one_large_frame_has_the_next_key_frame_decoded() -> None:
    still, moved = [40] * 24, [40] * 23 + [CALM_BYTES + 1]
    assert _watched([still, still, still, still]) == [False, True, False, True]
    assert _watched([moved, still, moved, still]) == [False, False, True, False]


def test_never_are_two_key_frames_a_second_apart_passed_over_in_a_row() -> None:
    passed = _watched([[40] * 24] * 10)
    assert [second for second, over in enumerate(passed) if not over] == [0, 2, 4, 6, 8]
    assert LONGEST_CALM_S == 2


def test_key_frames_with_hardly_anything_between_say_nothing() -> None:
    assert _watched([[]] * 4) == [False] * 4
    assert _watched([[40] * 3] * 4) == [False] * 4


def test_frames_are_decoded_after_each_key_frame_that_a_window_needs() -> None:
    plan = SamplingPlan.of(key_frame_interval=timedelta(seconds=1), interval_s=0.25, dense=timedelta(seconds=2))
    assert not any(plan.decodes_after(second) for second in range(10))
    closer = plan.looking_closer([(2.5, 4.5), (8.0, 8.5)])
    # From the key frame before the window on: what lies in it leans on that one.
    assert [second for second in range(10) if closer.decodes_after(second)] == [2, 3, 4, 8]


def test_where_all_frames_are_decoded_a_window_changes_nothing() -> None:
    plan = SamplingPlan.of(key_frame_interval=timedelta(seconds=9), interval_s=0.25, dense=timedelta(seconds=2))
    assert all(plan.decodes_after(second) for second in range(10))
