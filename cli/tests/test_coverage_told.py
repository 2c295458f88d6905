from datetime import UTC, datetime, timedelta

import pytest

from homeward.cli.commands.camera_reports import window
from homeward.cli.coverage import as_dict, summary
from homeward.cli.spans import InvalidTimeError
from homeward.shared.coverage import window_coverage
from homeward.shared.instants import to_timestamp
from homewardapi.clip.v1.clip_pb2 import (
    GAP_CAUSE_DISABLED,
    GAP_CAUSE_NOT_SCHEDULED,
    GAP_CAUSE_SOURCE_LOST,
    Clip,
    Gap,
    GapCause,
    StoredClip,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def told(*stretches: tuple[float, GapCause.ValueType | None], day_s: float = 86_400) -> str:
    """Tell a day of stretches, each as long as it says in seconds."""
    clips, at = [], NOON
    for length, cause in stretches:
        ends = at + timedelta(seconds=length)
        clip = Clip(clip_id="x", camera_id="cam-1", starts_at=to_timestamp(at), ends_at=to_timestamp(ends))
        if cause is None:
            clip.stored.CopyFrom(StoredClip())
        else:
            clip.gap.CopyFrom(Gap(cause=cause))
        clips.append(clip)
        at = ends
    return summary(window_coverage(clips, NOON, NOON + timedelta(seconds=day_s)))


LOST = GAP_CAUSE_SOURCE_LOST
REST = GAP_CAUSE_NOT_SCHEDULED


def test_a_day_with_three_gaps() -> None:
    gaps = [(28_790, None), (5, LOST), (28_800, None), (10, LOST), (28_784, None), (10.9, LOST), (0.1, None)]
    assert told(*gaps) == "99.97 %, 3 gaps"


def test_no_loss_is_hidden_by_rounding() -> None:
    assert told((86_399.999, None), (0.001, LOST)) == "99.99 %, 1 gap"
    assert told((86_400, None)) == "100.00 %, 0 gaps"
    assert told((86_400, LOST)) == "0.00 %, 1 gap"


def test_what_was_asked_for_is_named_apart() -> None:
    assert told((43_200, None), (43_200, REST)) == "100.00 %, 0 gaps and 12 h off schedule"
    assert (
        told((10_000, None), (10_000, LOST), (3_600, GAP_CAUSE_DISABLED), (62_800, REST))
        == "50.00 %, 1 gap and 1 h switched off, 17 h 26 min off schedule"
    )
    assert told((86_400, REST)) == "1 d off schedule"


def test_time_of_which_nothing_is_told_is_named_unless_it_is_on_its_way() -> None:
    assert told((86_380, None)) == "100.00 %, 0 gaps"
    assert told((43_200, None)) == "100.00 %, 0 gaps and 12 h not told"
    assert told() == "1 d not told"
    assert told(day_s=60) == "nothing told yet"


def test_coverage_for_another_program() -> None:
    found = as_dict("cam-1", window_coverage([], NOON, NOON + DAY))
    assert found["percent"] is None
    assert found["untold_s"] == DAY.total_seconds()


def test_a_window_is_the_last_day_unless_something_else_is_said() -> None:
    assert window(NOON, None, None, None) == (NOON - DAY, NOON)
    assert window(NOON, None, None, "1h") == (NOON - timedelta(hours=1), NOON)
    assert window(NOON, "2026-11-23T10:00", "2026-11-23T11:00", None) == (
        NOON - timedelta(hours=2),
        NOON - timedelta(hours=1),
    )
    assert window(NOON, "2026-11-23T10:00", "2027-01-01", None)[1] == NOON


@pytest.mark.parametrize(
    "said",
    [
        ("2026-11-23T10:00", None, "1h"),
        ("2026-11-23T12:00", None, None),
        ("2026-10-01", None, None),
        ("noon", None, None),
        (None, None, "1 week"),
    ],
)
def test_a_window_that_cannot_be_is_refused(said: tuple[str | None, str | None, str | None]) -> None:
    with pytest.raises(InvalidTimeError):
        window(NOON, *said)
