from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.shared.coverage import GapStretch, Stretch, total, window_coverage
from homeward.shared.ids import clip_id
from homeward.shared.instants import to_timestamp
from homewardapi.clip.v1.clip_pb2 import (
    GAP_CAUSE_CLOCK_JUMP,
    GAP_CAUSE_DISABLED,
    GAP_CAUSE_NOT_SCHEDULED,
    GAP_CAUSE_RECORDER_DOWN,
    GAP_CAUSE_SOURCE_LOST,
    Clip,
    Gap,
    GapCause,
    StoredClip,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MS = timedelta(milliseconds=1)
S = timedelta(seconds=1)


def clip(begins: timedelta, ends: timedelta, cause: GapCause.ValueType | None = None, epoch: int = 0) -> Clip:
    told = Clip(
        clip_id=clip_id("cam-1", NOON + begins),
        camera_id="cam-1",
        starts_at=to_timestamp(NOON + begins),
        ends_at=to_timestamp(NOON + ends),
    )
    if epoch:
        told.optional_epoch = epoch
    if cause is None:
        told.stored.CopyFrom(StoredClip(object_key="key"))
    else:
        told.gap.CopyFrom(Gap(cause=cause))
    return told


def stretch(begins: timedelta, ends: timedelta) -> Stretch:
    return Stretch(NOON + begins, NOON + ends)


def gap(begins: timedelta, ends: timedelta, cause: GapCause.ValueType) -> GapStretch:
    return GapStretch(NOON + begins, NOON + ends, cause)


def test_what_touches_is_one_stretch_and_what_is_not_told_is_named() -> None:
    found = window_coverage(
        [
            clip(0 * S, 10 * S),
            clip(30 * S, 40 * S),
            clip(10 * S, 20 * S),
            clip(20 * S, 25 * S, GAP_CAUSE_SOURCE_LOST),
            clip(25 * S, 30 * S, GAP_CAUSE_SOURCE_LOST),
        ],
        NOON + 5 * S,
        NOON + 60 * S,
    )
    assert found.footage == (stretch(5 * S, 20 * S), stretch(30 * S, 40 * S))
    assert found.gaps == (gap(20 * S, 30 * S, GAP_CAUSE_SOURCE_LOST),)
    assert found.untold == (stretch(40 * S, 60 * S),)
    assert found.hundredths_of_percent == 25 * 10_000 // 35


def test_footage_that_was_still_spooled_fills_a_gap() -> None:
    found = window_coverage(
        [clip(0 * S, 60 * S, GAP_CAUSE_RECORDER_DOWN, epoch=2), clip(0 * S, 10 * S, epoch=1)], NOON, NOON + 60 * S
    )
    assert found.footage == (stretch(0 * S, 10 * S),)
    assert found.gaps == (gap(10 * S, 60 * S, GAP_CAUSE_RECORDER_DOWN),)


def test_of_two_gaps_that_of_the_higher_epoch_holds() -> None:
    told = [clip(0 * S, 60 * S, GAP_CAUSE_SOURCE_LOST, epoch=3), clip(30 * S, 90 * S, GAP_CAUSE_RECORDER_DOWN, epoch=2)]
    expected = (gap(0 * S, 60 * S, GAP_CAUSE_SOURCE_LOST), gap(60 * S, 90 * S, GAP_CAUSE_RECORDER_DOWN))
    for clips in (told, told[::-1]):
        assert window_coverage(clips, NOON, NOON + 90 * S).gaps == expected


def test_time_that_an_operator_asked_not_to_record_is_no_loss() -> None:
    found = window_coverage(
        [clip(0 * S, 10 * S), clip(10 * S, 30 * S, GAP_CAUSE_NOT_SCHEDULED), clip(30 * S, 50 * S, GAP_CAUSE_DISABLED)],
        NOON,
        NOON + 50 * S,
    )
    assert found.losses == ()
    assert found.hundredths_of_percent == 10_000
    assert found.planned(GAP_CAUSE_NOT_SCHEDULED) == found.planned(GAP_CAUSE_DISABLED) == 20 * S


def test_the_smallest_loss_never_reads_as_none() -> None:
    day = timedelta(days=1)
    found = window_coverage([clip(0 * S, day - MS), clip(day - MS, day, GAP_CAUSE_CLOCK_JUMP)], NOON, NOON + day)
    assert found.hundredths_of_percent == 9_999


def test_nothing_told_is_not_full() -> None:
    found = window_coverage([], NOON, NOON + S)
    assert found.hundredths_of_percent is None
    assert found.untold == (stretch(0 * S, S),)


def test_an_empty_window_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        window_coverage([], NOON, NOON)


WINDOW_MS = 40
CAUSES = (GAP_CAUSE_SOURCE_LOST, GAP_CAUSE_RECORDER_DOWN, GAP_CAUSE_NOT_SCHEDULED)
TOLD = st.lists(
    st.builds(
        lambda begins, length, cause, epoch: clip(begins * MS, (begins + length) * MS, cause, epoch),
        st.integers(-10, WINDOW_MS + 5),
        st.integers(1, 15),
        st.sampled_from((None, *CAUSES)),
        st.integers(0, 2),
    ),
    max_size=12,
)


def naive(clips: list[Clip], at: datetime) -> GapCause.ValueType | str:
    """What holds for the millisecond that begins at `at`."""
    over = [one for one in clips if one.starts_at.ToDatetime(tzinfo=UTC) <= at < one.ends_at.ToDatetime(tzinfo=UTC)]
    if any(one.HasField("stored") for one in over):
        return "footage"
    best = max(
        over, key=lambda one: (one.optional_epoch, one.starts_at.ToDatetime(tzinfo=UTC), one.gap.cause), default=None
    )
    return "untold" if best is None else best.gap.cause


@settings(max_examples=150, deadline=None)
@given(TOLD, st.randoms(use_true_random=False))
def test_every_millisecond_is_what_the_clips_over_it_say(clips: list[Clip], random: object) -> None:
    told = [*clips, *clips[:3]]
    random.shuffle(told)  # type: ignore[attr-defined]
    found = window_coverage(told, NOON, NOON + WINDOW_MS * MS)
    kinds: list[tuple[Stretch, GapCause.ValueType | str]] = [
        *((one, "footage") for one in found.footage),
        *((one, one.cause) for one in found.gaps),
        *((one, "untold") for one in found.untold),
    ]
    kinds.sort(key=lambda one: one[0].starts_at)
    assert kinds[0][0].starts_at == NOON
    assert kinds[-1][0].ends_at == NOON + WINDOW_MS * MS
    for (before, kind), (after, other) in pairwise(kinds):
        assert before.ends_at == after.starts_at
        assert kind != other
    assert total(one for one, _ in kinds) == WINDOW_MS * MS
    for index in range(WINDOW_MS):
        at = NOON + index * MS
        assert naive(clips, at) == next(kind for one, kind in kinds if one.starts_at <= at < one.ends_at)
