from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from homeward.ingest.media.cutting import Cutter, Tally, Verdict

FRAME = timedelta(milliseconds=100)


def cut(keys: set[int], count: int, wanted_s: float, longest_s: float = 60) -> tuple[list[Verdict], list[Tally]]:
    cutter = Cutter(timedelta(seconds=wanted_s), timedelta(seconds=longest_s))
    verdicts: list[Verdict] = []
    tallies: list[Tally] = []
    for index in range(count):
        verdict = cutter.offer(index * FRAME, FRAME, key=index in keys)
        verdicts.append(verdict)
        if verdict in (Verdict.CUT, Verdict.ABANDON):
            tallies.append(cutter.closed())
    if (last := cutter.end()) is not None:
        tallies.append(last)
    return verdicts, tallies


def test_a_clip_ends_on_the_first_key_frame_past_the_wanted_length() -> None:
    verdicts, tallies = cut({0, 15, 30, 45}, 50, 2)
    assert [i for i, verdict in enumerate(verdicts) if verdict is Verdict.CUT] == [30]
    assert [(t.begins / FRAME, t.ends / FRAME, t.frame_count, t.key_frame_count) for t in tallies] == [
        (0, 30, 30, 2),
        (30, 50, 20, 2),
    ]
    assert tallies[0].key_frame_interval == 15 * FRAME


def test_nothing_is_taken_before_the_first_key_frame() -> None:
    verdicts, _ = cut({3}, 5, 2)
    assert verdicts == [Verdict.SKIP, Verdict.SKIP, Verdict.SKIP, Verdict.START, Verdict.CONTINUE]


def test_a_group_of_pictures_longer_than_the_clip_is_kept_whole() -> None:
    _, tallies = cut({0, 100}, 120, 2)
    assert [t.frame_count for t in tallies] == [100, 20]
    assert tallies[0].key_frame_interval == 100 * FRAME


def test_without_a_key_frame_the_clip_is_abandoned_at_the_bound() -> None:
    verdicts, tallies = cut({0}, 100, 2, 5)
    assert verdicts.index(Verdict.ABANDON) == 51
    assert set(verdicts[52:]) == {Verdict.SKIP}
    assert tallies[0].ends == 51 * FRAME


@given(st.sets(st.integers(0, 299)), st.integers(1, 300), st.floats(0.1, 20), st.floats(20, 40))
def test_every_packet_from_the_first_key_frame_on_is_in_one_clip(
    keys: set[int], count: int, wanted_s: float, longest_s: float
) -> None:
    verdicts, tallies = cut(keys, count, wanted_s, longest_s)
    taken = sum(v in (Verdict.START, Verdict.CONTINUE, Verdict.CUT) for v in verdicts)
    assert sum(t.frame_count for t in tallies) == taken
    for before, after in pairwise(tallies):
        assert before.ends <= after.begins
    for tally in tallies:
        assert tally.begins < tally.ends
        assert tally.key_frame_count >= 1
        assert tally.key_frame_interval <= tally.ends - tally.begins
    for index, verdict in enumerate(verdicts):
        if verdict in (Verdict.START, Verdict.CUT):
            assert index in keys
