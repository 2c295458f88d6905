import pytest
from hypothesis import given
from hypothesis import strategies as st
from minio.commonconfig import DISABLED, ENABLED, AndOperator, Filter, Tag, Tags
from minio.lifecycleconfig import Expiration, LifecycleConfig, Rule, Transition

from homeward.shared.objectstore.minio_lifecycle import from_config, to_config
from homeward.shared.objectstore.port import LifecycleRule

HELD = Tags.new_object_tags()
HELD["hold"] = "1"

rules = st.builds(
    LifecycleRule,
    st.text("abc-", min_size=1),
    st.text("abc/"),
    st.integers(min_value=1, max_value=9999),
)


@given(st.lists(rules, min_size=1), st.booleans())
def test_rules_come_back_as_they_were(told: list[LifecycleRule], versioned: bool) -> None:
    assert list(from_config(to_config(told, versioned=versioned))) == told


def test_versions_expire_where_there_are_any() -> None:
    (rule,) = to_config([LifecycleRule("days", "", 31)], versioned=True).rules
    assert rule.noncurrent_version_expiration is not None
    assert rule.noncurrent_version_expiration.noncurrent_days == 1
    (rule,) = to_config([LifecycleRule("days", "", 31)], versioned=False).rules
    assert rule.noncurrent_version_expiration is None


@pytest.mark.parametrize(
    "rule",
    [
        Rule(DISABLED, rule_filter=Filter(prefix=""), expiration=Expiration(days=1)),
        Rule(ENABLED, rule_filter=Filter(prefix=""), transition=Transition(days=1, storage_class="COLD")),
        Rule(ENABLED, rule_filter=Filter(tag=Tag("hold", "1")), expiration=Expiration(days=1)),
        Rule(ENABLED, rule_filter=Filter(AndOperator("a/", HELD)), expiration=Expiration(days=1)),
    ],
)
def test_rules_of_other_kinds_are_left_out(rule: Rule) -> None:
    assert from_config(LifecycleConfig([rule])) == ()


def test_no_rules_are_none() -> None:
    assert from_config(None) == ()


@pytest.mark.parametrize("days", [0, -1])
def test_a_rule_waits_a_day_at_the_least(days: int) -> None:
    with pytest.raises(ValueError, match="a day"):
        LifecycleRule("days", "", days)
