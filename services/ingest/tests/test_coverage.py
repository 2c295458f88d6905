from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeward.ingest.media.coverage import Cause, Coverage
from homeward.ingest.media.timeline import Span
from support.recording import NOON

S = timedelta(seconds=1)


def test_footage_closes_the_gap_before_it() -> None:
    coverage = Coverage(NOON, Cause.SOURCE_LOST)
    gap = coverage.footage(Span(NOON + 3 * S, NOON + 5 * S))
    assert gap is not None
    assert (gap.starts_at, gap.ends_at, gap.cause) == (NOON, NOON + 3 * S, Cause.SOURCE_LOST)
    assert coverage.through == NOON + 5 * S


def test_overlapping_footage_is_refused() -> None:
    coverage = Coverage(NOON, Cause.SOURCE_LOST)
    with pytest.raises(ValueError, match="overlaps"):
        coverage.footage(Span(NOON - S, NOON + S))


def test_a_clock_that_was_set_back_tells_no_gap() -> None:
    coverage = Coverage(NOON, Cause.SOURCE_LOST)
    assert coverage.gap_until(NOON - S) is None
    assert coverage.through == NOON


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 100), st.integers(1, 100)), max_size=50))
def test_gaps_and_footage_tile_the_time(steps: list[tuple[bool, int, int]]) -> None:
    coverage = Coverage(NOON, Cause.SOURCE_LOST)
    told: list[tuple[datetime, datetime]] = []
    now = NOON
    for footage, pause, length in steps:
        now += pause * S
        if footage:
            gap = coverage.footage(Span(now, now + length * S))
            told += [(gap.starts_at, gap.ends_at)] if gap else []
            told.append((now, now + length * S))
            now += length * S
        else:
            gap = coverage.gap_until(now)
            told += [(gap.starts_at, gap.ends_at)] if gap else []
    assert [start for start, _ in told] == [NOON, *(end for _, end in told)][: len(told)]
    assert all(start < end for start, end in told)
    assert coverage.through == (told[-1][1] if told else NOON)
