from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeward.ingest.media.packets import Jump
from homeward.ingest.media.timeline import LiveTimeline, RecordingTimeline
from support.recording import NOON

BASE = Fraction(1, 1000)


def seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


def test_a_recording_begins_at_its_start_whatever_its_first_time_stamp() -> None:
    timeline = RecordingTimeline(BASE, NOON)
    assert timeline.at(timeline.media(17_811)) == NOON
    assert timeline.at(timeline.media(18_811)) == NOON + seconds(1)


def test_a_recording_whose_stamps_fall_goes_on_where_it_was() -> None:
    timeline = RecordingTimeline(BASE, NOON)
    timeline.media(0)
    timeline.jumped(Jump.BACK, 500, seconds(20))
    assert timeline.at(timeline.media(500)) == NOON + seconds(20)


def test_a_recording_may_leap_an_hour_and_not_a_week() -> None:
    timeline = RecordingTimeline(BASE, NOON)
    timeline.media(0)
    timeline.jumped(Jump.AHEAD, 3_600_000, seconds(20))
    assert timeline.at(timeline.media(3_600_000)) == NOON + seconds(3600)
    timeline.jumped(Jump.AHEAD, 10**9, seconds(3601))
    assert timeline.at(timeline.media(10**9)) == NOON + seconds(3601)


def test_frames_that_were_kept_back_while_connecting_keep_their_own_times() -> None:
    timeline = LiveTimeline(BASE)
    # Three seconds of frames arrive at once, the rest as they are taken.
    for media_s in range(10):
        timeline.observe(seconds(media_s), NOON + seconds(max(3, media_s)))
    span = timeline.place(seconds(0), seconds(10), None)
    assert (span.starts_at, span.ends_at) == (NOON, NOON + seconds(10))


@pytest.mark.parametrize("drift", [1.001, 0.999])
def test_a_drifting_camera_clock_is_followed_without_gap_or_overlap(drift: float) -> None:
    timeline = LiveTimeline(BASE)
    floor = None
    for clip in range(200):
        for media_s in range(clip * 10, clip * 10 + 10):
            timeline.observe(seconds(media_s), NOON + seconds(media_s * drift))
        span = timeline.place(seconds(clip * 10), seconds(clip * 10 + 10), floor)
        assert floor is None or span.starts_at == floor
        floor = span.ends_at
    assert floor is not None
    assert abs(floor - (NOON + seconds(2000 * drift))) < seconds(0.1)


def test_a_camera_that_fell_far_behind_is_placed_anew() -> None:
    timeline = LiveTimeline(BASE)
    timeline.observe(seconds(0), NOON)
    first = timeline.place(seconds(0), seconds(10), None)
    timeline.observe(seconds(10), NOON + seconds(17))
    second = timeline.place(seconds(10), seconds(20), first.ends_at)
    assert second.resynced
    assert (second.starts_at, second.ends_at) == (NOON + seconds(17), NOON + seconds(27))


def test_a_clip_that_had_to_begin_later_moves_those_after_it() -> None:
    timeline = LiveTimeline(BASE)
    timeline.observe(seconds(0), NOON)
    timeline.place(seconds(0), seconds(10), None)
    timeline.observe(seconds(10), NOON + seconds(10))
    second = timeline.place(seconds(10), seconds(20), NOON + seconds(10.5))
    assert second.starts_at == NOON + seconds(10.5)
    timeline.observe(seconds(20), NOON + seconds(20))
    assert timeline.place(seconds(20), seconds(30), None).starts_at == second.ends_at


@given(st.lists(st.tuples(st.integers(1, 20_000), st.integers(-30_000, 30_000)), min_size=1, max_size=40))
def test_live_clips_never_overlap_and_are_never_empty(clips: list[tuple[int, int]]) -> None:
    timeline = LiveTimeline(BASE)
    floor = None
    media = timedelta(0)
    for length_ms, late_ms in clips:
        length = timedelta(milliseconds=length_ms)
        timeline.observe(media, NOON + media + timedelta(milliseconds=late_ms))
        span = timeline.place(media, media + length, floor)
        assert floor is None or span.starts_at >= floor
        assert span.resynced or floor is None or span.starts_at == floor
        assert span.ends_at > span.starts_at
        assert span.ends_at - span.starts_at <= length * 1.0051 + timedelta(microseconds=1)
        floor = span.ends_at
        media += length
