from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from homeward.shared.runtime.backoff import Backoff

_ATTEMPTS = st.integers(1, 10_000)
_DRAWS = st.floats(0, 1, exclude_max=True)


@given(attempt=_ATTEMPTS, draw=_DRAWS)
def test_a_wait_is_never_over_the_longest_nor_under_half_of_its_step(attempt: int, draw: float) -> None:
    backoff = Backoff(timedelta(seconds=0.2), timedelta(seconds=30), lambda: draw)
    step = min(30.0, 0.2 * 2.0 ** min(attempt - 1, 100))
    assert step / 2 <= backoff.wait_s(attempt) <= step


@given(attempt=_ATTEMPTS, draw=_DRAWS, floor=st.floats(0, 1000))
def test_what_is_known_to_last_is_waited_for(attempt: int, draw: float, floor: float) -> None:
    backoff = Backoff(draw=lambda: draw)
    assert backoff.wait_s(attempt, timedelta(seconds=floor)) >= timedelta(seconds=floor).total_seconds()


def test_waits_grow_and_differ() -> None:
    backoff = Backoff(timedelta(seconds=1), timedelta(seconds=8), lambda: 0.5)
    assert [backoff.wait_s(attempt) for attempt in range(1, 7)] == [0.75, 1.5, 3, 6, 6, 6]
    assert len({Backoff().wait_s(3) for _ in range(20)}) > 1
