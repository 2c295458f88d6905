import tomllib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from homeward.access.cases.policy import Policy, PolicyFileError
from homeward.access.people.principal import Role
from homeward.shared.authorisation import Purpose, Rank
from support.access_world import POLICY_FILE, policy

HOUR = timedelta(hours=1)


def changed(change: Callable[[dict[str, Any]], object]) -> Policy:
    document = tomllib.loads(POLICY_FILE.read_text())
    change(document)
    return Policy.model_validate(document)


def test_the_shipped_policy_is_valid_and_knows_its_digest() -> None:
    shipped = policy()
    assert len(shipped.digest) == 64
    assert shipped.searches_at_once == 20
    assert shipped.of(Purpose.MISSING_PERSON).urgent_for == HOUR


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(searches_at_once=101),
        lambda d: d["purposes"]["missing_person"].update(max_lifetime_h=73),
        lambda d: d["purposes"]["missing_person"].update(max_cameras=501),
        lambda d: d["purposes"]["missing_person"].update(max_window_h=33 * 24 + 1),
        lambda d: d["purposes"]["missing_person"].update(urgent_minutes=24 * 60 + 1),
        lambda d: d["purposes"]["missing_person"].update(urgent_minutes=0),
        lambda d: d["purposes"]["missing_person"].update(default_window_h=145),
        lambda d: d["purposes"]["missing_person"].update(approver_rank="officer"),
        lambda d: d["purposes"]["incident"].update(urgent=True),
        lambda d: d["purposes"]["subject_access"].update(urgent=True),
        lambda d: d["purposes"]["subject_access"].update(unredacted_rank="commander"),
        lambda d: d["purposes"]["incident"]["widening"].append({"rank": "commander"}),
        lambda d: d["purposes"]["incident"]["widening"].append({"rank": "officer", "cameras_over": 1}),
        lambda d: d["purposes"].pop("incident"),
        lambda d: d["purposes"].update(watch={}),
        lambda d: d["subject_access"].update(hold_days=30),
        lambda d: d["groups"]["homeward-officers"].update(rung="general"),
        lambda d: d["groups"]["homeward-officers"].update(roles=["everything"]),
        lambda d: d.update(watch_list=True),
        lambda d: d.pop("version"),
    ],
)
def test_a_policy_that_widens_or_errs_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(ValidationError):
        changed(change)


def test_a_faulty_file_is_named_with_its_fault(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(POLICY_FILE.read_text().replace("searches_at_once = 20", "searches_at_once = 200"))
    with pytest.raises(PolicyFileError, match=r"policy\.toml: searches_at_once"):
        Policy.load(file)
    file.write_text("version = ")
    with pytest.raises(PolicyFileError, match="not TOML"):
        Policy.load(file)
    with pytest.raises(PolicyFileError, match="cannot be read"):
        Policy.load(tmp_path / "none.toml")


def test_groups_give_their_roles_and_the_highest_rung() -> None:
    roles, rank = policy().roles_of(["homeward-officers", "homeward-supervisors", "somebody-else"])
    assert roles == {Role.REQUESTER, Role.APPROVER}
    assert rank is Rank.SUPERVISOR
    assert policy().roles_of(["somebody-else"]) == (frozenset(), Rank.OFFICER)
    assert policy().roles_of([]) == (frozenset(), Rank.OFFICER)


def test_more_than_usual_needs_a_higher_rank() -> None:
    shipped = policy()
    assert shipped.needed_rank(Purpose.MISSING_PERSON, 50, 96 * HOUR) is Rank.SUPERVISOR
    assert shipped.needed_rank(Purpose.MISSING_PERSON, 51, HOUR) is Rank.COMMANDER
    assert shipped.needed_rank(Purpose.MISSING_PERSON, 1, 97 * HOUR) is Rank.COMMANDER
    assert shipped.needed_rank(Purpose.INCIDENT, 1, HOUR, unredacted=True) is Rank.COMMANDER


@settings(deadline=None)
@given(st.sampled_from(Purpose), st.integers(1, 500), st.integers(1, 500), st.integers(1, 700), st.integers(1, 700))
def test_more_never_needs_a_lower_rank(purpose: Purpose, cameras: int, more: int, window: int, longer: int) -> None:
    shipped = policy()
    usual = shipped.needed_rank(purpose, cameras, window * HOUR)
    wider = shipped.needed_rank(purpose, cameras + more, (window + longer) * HOUR)
    assert wider.reaches(usual)
