"""Some minutes of what `make soak` does for half an hour: every second is footage or an explained gap."""

from datetime import timedelta
from pathlib import Path

import pytest

from support.soak import SoakPlan, soak
from support.soak_verdict import table


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_second_is_accounted_for_while_everything_fails(tmp_path: Path) -> None:
    plan = SoakPlan(cameras=6, lasts=timedelta(minutes=3), seed=20261124)
    happened: list[str] = []
    verdicts = soak(tmp_path, plan, happened.append)
    assert [one.camera for one in verdicts if one.troubles] == [], "\n".join([*happened, table(verdicts)])
    assert all(one.clips for one in verdicts)
