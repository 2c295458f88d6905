import threading
from datetime import timedelta

import pytest

from homeward.shared.runtime.repeating import Repeating


def test_what_is_away_is_waited_for_and_readiness_tells_how_the_last_time_went() -> None:
    stop = threading.Event()
    seen: list[bool] = []

    def work() -> None:
        seen.append(part.ready())
        if len(seen) == 2:
            raise ConnectionError("away")
        if len(seen) == 4:
            stop.set()

    part = Repeating("a part", work, timedelta(0), (ConnectionError,))
    part.run(stop)
    # Before the first, after a good one, after the one that failed, after a good one again.
    assert seen == [False, True, False, True]
    assert part.ready()


def test_any_other_error_ends_it() -> None:
    def work() -> None:
        raise LookupError("a defect")

    with pytest.raises(LookupError, match="a defect"):
        Repeating("a part", work, timedelta(0), (ConnectionError,)).run(threading.Event())
