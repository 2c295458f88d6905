"""What `homeward search` says of a search that found nobody."""

from datetime import UTC, datetime, timedelta

from homeward.cli.commands.search import summary
from homeward.cli.progress import Tally
from homeward.shared.instants import to_duration, to_timestamp
from homewardapi.search.v1.search_pb2 import TaskCompleted

NOW = datetime(2026, 11, 23, 20, 50, tzinfo=UTC)


def told(**counts: int) -> str:
    done = TaskCompleted(
        faces_compared=100,
        camera_time=to_duration(timedelta(hours=3)),
        completed_at=to_timestamp(NOW),
        optional_expected_false_candidates=0.4,
        **counts,  # type: ignore[arg-type]
    )
    return summary(Tally([done, done]))


def test_it_says_what_was_compared_and_how_many_strangers_to_expect() -> None:
    assert told(candidates=1) == (
        "Searched 6.00 camera-hours, 200 faces compared, 2 candidates; 0.8 strangers are expected among these."
    )


def test_not_found_is_not_mistaken_for_not_there() -> None:
    assert told(faces_too_poor=3).endswith(" 6 faces were seen and were too poor to compare.")
    assert told(faces_unreadable=2).endswith(" Of 4 faces no picture could be read.")
    assert told(clips_unreadable=1).endswith(" 2 clips could not be read in whole.")
