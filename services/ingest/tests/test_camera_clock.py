"""A camera's own clock: how it places clips, when it is not believed, and what is told of it."""

from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from homeward.ingest.media.camera_clock import CameraClockWatch
from homeward.ingest.media.timeline import ClockSample, LiveTimeline, Span, TimeSource
from homeward.ingest.status.figures import CameraFigures
from support.recording import NOON

BASE = Fraction(1, 1000)
S = timedelta(seconds=1)
CLIP = 10 * S


class Camera:
    """A camera with clips of 10 s, whose own clock is ahead of the recorder's; its packets are under way 0.2 s."""

    def __init__(self, ahead_s: float | None, *, within_s: float = 5) -> None:
        self.ahead_s = ahead_s
        self.timeline = LiveTimeline(BASE, timedelta(seconds=within_s))
        self.media = timedelta(0)
        self.floor: datetime | None = None

    def clip(self) -> Span:
        begins = self.media
        if self.ahead_s is not None:
            self.timeline.tell(begins, NOON + begins + self.ahead_s * S)
        self.timeline.observe(begins, NOON + begins + 0.2 * S)
        self.media += CLIP
        span = self.timeline.place(begins, self.media, self.floor)
        assert self.floor is None or span.starts_at >= self.floor
        self.floor = span.ends_at
        return span


def test_a_told_time_places_clips_without_the_way_they_took() -> None:
    camera = Camera(0)
    spans = [camera.clip() for _ in range(3)]
    assert [span.starts_at for span in spans] == [NOON, NOON + CLIP, NOON + 2 * CLIP]
    assert {span.source for span in spans} == {TimeSource.SENDER}


def test_a_clock_set_ahead_leaves_a_gap_of_what_it_was_set_by() -> None:
    camera = Camera(0)
    before = camera.clip()
    camera.ahead_s = 3
    after = camera.clip()
    assert after.resynced
    assert after.starts_at - before.ends_at == 3 * S
    assert not camera.clip().resynced


def test_a_clock_set_back_is_followed_without_overlap() -> None:
    camera = Camera(3)
    before = camera.clip()
    camera.ahead_s = 0
    spans = [camera.clip() for _ in range(80)]
    assert spans[0].starts_at == before.ends_at
    assert spans[0].source is TimeSource.ARRIVAL
    # 0.5 % of 800 s is more than the 3 s.
    assert spans[-1].starts_at == NOON + 80 * CLIP
    assert spans[-1].source is TimeSource.SENDER


def test_a_clock_that_begins_to_tell_its_time_invents_no_gap() -> None:
    camera = Camera(None)
    spans = [camera.clip()]
    camera.ahead_s = 4
    spans += [camera.clip() for _ in range(200)]
    assert not any(span.resynced for span in spans)
    assert all(after.starts_at == before.ends_at for before, after in pairwise(spans))
    assert spans[0].source is TimeSource.ARRIVAL
    assert spans[-1].source is TimeSource.SENDER


def test_a_clock_that_runs_away_gives_way_to_arrival_without_a_gap() -> None:
    camera = Camera(4)
    spans = [camera.clip()]
    camera.ahead_s = 3600
    spans += [camera.clip() for _ in range(3)]
    assert not any(span.resynced for span in spans)
    assert [span.source for span in spans] == [TimeSource.SENDER, *[TimeSource.ARRIVAL] * 3]
    assert camera.timeline.sample() == ClockSample(3599.8 * S, told=True, trusted=False)


def test_how_far_off_a_clock_may_be_is_a_setting() -> None:
    assert Camera(8).clip().source is TimeSource.ARRIVAL
    assert Camera(8, within_s=10).clip().source is TimeSource.SENDER


def test_a_clock_behind_the_recorders_says_so() -> None:
    camera = Camera(-3)
    camera.clip()
    assert camera.timeline.behind == 3.2 * S
    assert Camera(None).timeline.behind == timedelta(0)


@given(st.lists(st.one_of(st.none(), st.floats(-8, 8), st.floats(-(10**6), 10**6)), min_size=1, max_size=30))
@settings(max_examples=60)
def test_whatever_a_clock_says_clips_never_overlap_and_gaps_are_told(clocks: list[float | None]) -> None:
    camera = Camera(None)
    before: Span | None = None
    for ahead_s in clocks:
        camera.ahead_s = ahead_s
        span = camera.clip()
        assert span.ends_at > span.starts_at
        assert before is None or span.resynced or span.starts_at == before.ends_at
        assert abs(span.starts_at - (NOON + camera.media - CLIP)) < 20 * S
        before = span


def test_what_is_measured_is_told_and_a_limit_is_logged_once() -> None:
    figures = CameraFigures()
    watch = CameraClockWatch("cam-1", figures)
    with capture_logs() as logs:
        for index in range(100):
            ahead = (2 + index * 10 * 300e-6) * S
            watch.clip_placed(ClockSample(ahead, told=True, trusted=index < 90), index * 10.0)
    clock = figures.camera_clock
    assert clock.offset is not None
    assert abs(clock.offset - 2.3 * S) < 0.02 * S
    assert clock.drift_ppm is not None
    assert abs(clock.drift_ppm - 300) < 5
    assert [(log["event"], log.get("alarm")) for log in logs] == [
        ("camera's clock is past its limit", "offset"),
        ("camera's clock is past its limit", "drift"),
        ("camera's clock does not place its clips", None),
    ]


def test_a_recording_tells_nothing_of_a_clock() -> None:
    figures = CameraFigures()
    CameraClockWatch("cam-1", figures).clip_placed(None, 0.0)
    assert figures.camera_clock.offset is None
