from datetime import UTC, datetime, timedelta

import pytest
from minio.commonconfig import ENABLED, Filter
from minio.lifecycleconfig import Expiration, LifecycleConfig, Rule

from homeward.cli.embedded.seaweedfs import SeaweedFs
from homeward.shared.objectstore.memory_store import MemoryStore
from homeward.shared.objectstore.minio_store import MinioStore
from homeward.shared.objectstore.port import LifecycleRule, ObjectStore
from support.object_stores import Subject

RULES = (LifecycleRule("all", "", 31), LifecycleRule("bundles", "bundles/", 14))


def test_rules_are_kept_replaced_and_removed(store: ObjectStore, bucket: str) -> None:
    assert tuple(store.lifecycle(bucket)) == ()
    store.set_lifecycle(bucket, RULES)
    assert tuple(store.lifecycle(bucket)) == RULES
    store.set_lifecycle(bucket, RULES[:1])
    assert tuple(store.lifecycle(bucket)) == RULES[:1]
    store.set_lifecycle(bucket, [])
    assert tuple(store.lifecycle(bucket)) == ()


def test_rules_are_kept_in_a_bucket_with_locks(store: ObjectStore, locking_bucket: str) -> None:
    store.set_lifecycle(locking_bucket, RULES)
    assert tuple(store.lifecycle(locking_bucket)) == RULES


def test_memory_deletes_what_has_expired(memory_subject: Subject) -> None:
    store = memory_subject.store
    assert isinstance(store, MemoryStore)
    store.ensure_bucket("footage")
    store.set_lifecycle("footage", [LifecycleRule("days", "2026", 31)])
    for key in ("2026-11-23/x", "other"):
        store.put("footage", key, b"")
    memory_subject.pass_time(timedelta(days=31).total_seconds() - 1)
    store.run_lifecycle()
    assert len(list(store.list("footage"))) == 2
    memory_subject.pass_time(1)
    store.run_lifecycle()
    assert [found.key for found in store.list("footage")] == ["other"]


@pytest.mark.parametrize("prefix", ["2026-11-22/", ""])
def test_seaweedfs_deletes_what_has_expired(own_seaweedfs: SeaweedFs, prefix: str) -> None:
    store = MinioStore(own_seaweedfs.settings)
    store.ensure_bucket("footage")
    for key in ("2026-11-22/a", "2026-11-22/b", "2026-11-23/a"):
        store.put("footage", key, b"")
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    # A rule by days would need a day to pass; one by date says the same of yesterday.
    rule = Rule(
        ENABLED,
        rule_filter=Filter(prefix=prefix),
        rule_id="days",
        expiration=Expiration(date=midnight - timedelta(days=1)),
    )
    store._client.set_bucket_lifecycle("footage", LifecycleConfig([rule]))
    own_seaweedfs.run_lifecycle()
    left = [found.key for found in store.list("footage")]
    assert left == ([] if prefix == "" else ["2026-11-23/a"])
