"""The stores' own expiry, behind retention's."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from homeward.retention.backstop import RELEASES_BUCKET, footage_rules
from homeward.retention.expiry import Held
from homeward.shared.objectkeys import CROPS_BUCKET, FOOTAGE_BUCKET, SUBJECTS_BUCKET
from homeward.shared.objectstore.port import LifecycleRule
from homeward.shared.topics import TOPICS
from support.authorisations import NOON
from support.retention_world import DAY, HOUR, World


def test_each_bucket_has_its_backstop() -> None:
    world = World()
    world.backstop.set_buckets([])
    for bucket, days in ((FOOTAGE_BUCKET, 31), (CROPS_BUCKET, 31), (SUBJECTS_BUCKET, 4)):
        assert list(world.store.lifecycle(bucket)) == [LifecycleRule("backstop", "", days)]
    world.store.ensure_bucket(RELEASES_BUCKET)
    world.backstop.set_buckets([])
    assert list(world.store.lifecycle(RELEASES_BUCKET)) == [LifecycleRule("backstop", "", 14)]


def test_every_topic_is_set_and_a_broker_that_will_not_is_counted() -> None:
    world = World()
    world.topics.refused = ["homeward.clips.v1"]
    world.backstop.set_topics()
    assert set(world.topics.applied) == set(TOPICS)
    assert world.registry.get_sample_value("homeward_retention_topics_unset") == 1


@given(age=st.integers(0, 45), hours=st.integers(1, 100))
def test_the_store_expires_no_held_day_and_every_other(age: int, hours: int) -> None:
    start = NOON - age * DAY
    end = start + hours * HOUR
    prefixes = {rule.prefix for rule in footage_rules(NOON, [Held(frozenset({"gate"}), start, end)])}
    held_days: set[date] = {(start + offset * HOUR).date() for offset in range(hours + 1)}
    assert not {f"{day}/" for day in held_days} & prefixes
    due = {(NOON - timedelta(days=days)).date() for days in range(31, 41)}
    assert {f"{day}/" for day in due - held_days - {min(held_days) - timedelta(days=1)}} <= prefixes
    assert all(rule.days == 31 for rule in footage_rules(NOON, []))
