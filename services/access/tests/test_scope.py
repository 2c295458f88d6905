"""An approval only narrows, whatever it says."""

from datetime import timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from homeward.access.cases.model import Approval
from homeward.access.cases.scope import Scope
from homeward.access.errors import InvalidError
from support.access_cases import REASON
from support.access_world import NOON

HOUR = timedelta(hours=1)
NAIVE = (NOON + HOUR).replace(tzinfo=None)
CAMERAS = ("gate", "hall", "roof", "yard")

cameras = st.lists(st.sampled_from(CAMERAS), max_size=4, unique=True).map(tuple)
hours = st.integers(-80, 80).map(lambda count: NOON + count * HOUR)
lifetimes = st.integers(0, 80 * 60).map(lambda minutes: timedelta(minutes=minutes))


@settings(deadline=None)
@given(
    st.builds(Scope, cameras.filter(bool), hours, st.none() | hours, lifetimes, st.booleans()),
    st.builds(
        Approval,
        st.just(REASON),
        st.none() | cameras,
        st.none() | hours,
        st.none() | hours,
        st.none() | lifetimes,
        st.booleans(),
    ),
)
def test_what_is_approved_lies_within_what_was_asked(asked: Scope, approval: Approval) -> None:
    assume(asked.ends_at is None or asked.starts_at < asked.ends_at)
    try:
        agreed = asked.narrowed(approval)
    except InvalidError:
        return
    assert agreed.camera_ids
    assert set(agreed.camera_ids) <= set(asked.camera_ids)
    assert agreed.starts_at >= asked.starts_at
    assert agreed.ends_at is None or agreed.starts_at < agreed.ends_at
    assert agreed.ends_at is not None or asked.ends_at is None
    assert asked.ends_at is None or (agreed.ends_at is not None and agreed.ends_at <= asked.ends_at)
    assert agreed.lifetime <= asked.lifetime
    assert asked.unredacted or not agreed.unredacted
    assert agreed.window_ends_at(NOON) <= asked.window_ends_at(NOON) or approval.ends_at is not None


def test_a_time_without_a_zone_is_refused() -> None:
    asked = Scope(("gate",), NOON, None, HOUR)
    for approval in (Approval(REASON, starts_at=NAIVE), Approval(REASON, ends_at=NAIVE)):
        with pytest.raises(InvalidError, match="zone"):
            asked.narrowed(approval)


@settings(deadline=None)
@given(st.builds(Scope, cameras.filter(bool), hours, st.none() | hours, lifetimes, st.booleans()))
def test_an_approval_of_everything_changes_nothing(asked: Scope) -> None:
    assume(asked.ends_at is None or asked.starts_at < asked.ends_at)
    assume(asked.lifetime >= timedelta(minutes=5))
    assert asked.narrowed(Approval(REASON)) == asked
