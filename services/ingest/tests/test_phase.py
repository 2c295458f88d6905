from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from homeward.ingest.media.cutting import Cutter, Verdict
from homeward.ingest.media.phase import first_length

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SHORTEST = timedelta(seconds=2)
CLIP = timedelta(seconds=10)


def ends(camera_id: str, now: datetime, clip: timedelta = CLIP) -> datetime:
    return now + first_length(camera_id, clip, now, SHORTEST)


@given(
    st.from_regex(r"[a-z0-9-]{1,63}", fullmatch=True),
    st.timedeltas(timedelta(seconds=2), timedelta(seconds=60)),
    st.timedeltas(timedelta(0), timedelta(days=9000)).map(NOON.__add__),
)
def test_a_first_clip_is_neither_too_short_nor_longer_than_the_others(
    camera_id: str, clip: timedelta, now: datetime
) -> None:
    assert SHORTEST <= first_length(camera_id, clip, now, SHORTEST) <= clip


def test_a_camera_keeps_its_moment_whenever_it_is_connected() -> None:
    moments = {ends("gate", NOON + timedelta(seconds=step)).timestamp() % 10 for step in (0, 1.5, 3, 17, 3600.25)}
    first, *others = sorted(moments)
    # One that would be too short is of full length, and ends at another moment.
    assert len([other for other in others if other - first > 0.001]) <= 1


def test_cameras_that_are_connected_together_end_their_clips_apart() -> None:
    moments = sorted(ends(f"camera-{number}", NOON) - NOON for number in range(2000))
    by_second = [sum(int(moment.total_seconds()) == second for moment in moments) for second in range(2, 10)]
    assert all(150 <= count <= 250 for count in by_second), by_second
    # Those that are of full length, for being too short otherwise, are spread by when each was connected.
    assert max(after - before for before, after in pairwise(moments)) < timedelta(seconds=1)


def test_only_the_first_clip_is_shortened() -> None:
    frame = timedelta(milliseconds=100)
    cutter = Cutter(timedelta(seconds=4), first=timedelta(seconds=2))
    cuts = [index for index in range(140) if cutter.offer(index * frame, frame, key=True) is Verdict.CUT]
    assert cuts == [20, 60, 100]


def test_what_follows_a_clip_without_a_key_frame_is_of_full_length() -> None:
    frame = timedelta(milliseconds=100)
    cutter = Cutter(timedelta(seconds=4), timedelta(seconds=5), first=timedelta(seconds=2))
    keys = {0, *range(60, 200)}
    verdicts = [cutter.offer(index * frame, frame, key=index in keys) for index in range(200)]
    assert verdicts.index(Verdict.ABANDON) == 51
    assert [index for index, verdict in enumerate(verdicts) if verdict is Verdict.CUT] == [100, 140, 180]
