"""What the behaviour suite cannot ask of a real server; the suite itself runs in tests/integration/objectstore."""

from datetime import timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from homeward.shared.objectstore.memory_store import MemoryStore
from homeward.shared.objectstore.port import LifecycleRule, ObjectLockedError, ObjectNotFoundError
from support.authorisations import MovableClock

keys = st.sampled_from(["a", "a/b", "a/c", "b/a/c", "b/d"])
LOCK = timedelta(hours=1)


class AgainstAModel(RuleBasedStateMachine):
    """A bucket with object lock is a dictionary, in which what is locked cannot be deleted."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = MovableClock()
        self.store = MemoryStore(self.clock)
        self.store.ensure_bucket("evidence", object_lock=True)
        self.model: dict[str, bytes] = {}
        self.locked_until: dict[str, float] = {}

    @rule(key=keys, data=st.binary(max_size=4), locked=st.booleans())
    def put(self, key: str, data: bytes, locked: bool) -> None:
        self.store.put("evidence", key, data, retain_until=self.clock.now() + LOCK if locked else None)
        self.model[key] = data
        if locked:
            self.locked_until[key] = self.clock.monotonic() + LOCK.total_seconds()

    @rule(key=keys)
    def delete(self, key: str) -> None:
        if self.locked_until.get(key, 0.0) > self.clock.monotonic():
            with pytest.raises(ObjectLockedError):
                self.store.delete("evidence", key)
        else:
            self.store.delete("evidence", key)
            self.model.pop(key, None)
            self.locked_until.pop(key, None)

    @rule(minutes=st.integers(1, 45))
    def wait(self, minutes: int) -> None:
        self.clock.move(timedelta(minutes=minutes))

    @invariant()
    def it_holds_what_the_model_holds(self) -> None:
        assert [found.key for found in self.store.list("evidence")] == sorted(self.model)
        assert {key: self.store.get("evidence", key) for key in self.model} == self.model


TestAgainstAModel = AgainstAModel.TestCase


def test_the_lifecycle_spares_what_is_locked() -> None:
    clock = MovableClock()
    store = MemoryStore(clock)
    store.ensure_bucket("evidence", object_lock=True)
    store.put("evidence", "a", b"", retain_until=clock.now() + timedelta(days=60))
    store.put("evidence", "b", b"")
    store.set_lifecycle("evidence", [LifecycleRule("days", "", 31)])
    clock.move(timedelta(days=40))
    store.run_lifecycle()
    assert [found.key for found in store.list("evidence")] == ["a"]


def test_urls_are_of_this_store_alone() -> None:
    clock = MovableClock()
    store = MemoryStore(clock)
    store.ensure_bucket("footage")
    store.put("footage", "a b/é", b"data")
    url = store.presign_get("footage", "a b/é", timedelta(minutes=1))
    assert store.fetch(url) == b"data"
    with pytest.raises(ObjectNotFoundError):
        MemoryStore(clock).fetch(url)
    clock.move(timedelta(minutes=1))
    with pytest.raises(PermissionError):
        store.fetch(url)
