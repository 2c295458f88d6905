from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.detection.sampling import Sampler, SamplingPlan


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
