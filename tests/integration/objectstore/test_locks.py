from datetime import timedelta

import pytest

from homeward.shared.objectstore.port import ObjectLockedError, ObjectNotFoundError, ObjectStore, ObjectStoreError
from support.object_stores import Subject

KEY = "hold/clip.mp4"
LONG = timedelta(hours=1)


def test_a_locked_object_cannot_be_deleted(subject: Subject, locking_bucket: str) -> None:
    until = subject.clock.now() + LONG
    subject.store.put(locking_bucket, KEY, b"evidence", retain_until=until)
    with pytest.raises(ObjectLockedError, match=locking_bucket):
        subject.store.delete(locking_bucket, KEY)
    assert subject.store.get(locking_bucket, KEY) == b"evidence"


def test_an_overwrite_hides_a_locked_object_and_does_not_free_it(subject: Subject, locking_bucket: str) -> None:
    subject.store.put(locking_bucket, KEY, b"evidence", retain_until=subject.clock.now() + LONG)
    subject.store.put(locking_bucket, KEY, b"something else")
    assert subject.store.get(locking_bucket, KEY) == b"something else"
    with pytest.raises(ObjectLockedError):
        subject.store.delete(locking_bucket, KEY)
    assert subject.store.get(locking_bucket, KEY) == b"something else"


def test_a_locked_overwrite_lets_go_what_was_not_locked(subject: Subject, locking_bucket: str) -> None:
    subject.store.put(locking_bucket, KEY, b"draft")
    subject.store.put(locking_bucket, KEY, b"evidence", retain_until=subject.clock.now() + LONG)
    with pytest.raises(ObjectLockedError):
        subject.store.delete(locking_bucket, KEY)
    assert subject.store.get(locking_bucket, KEY) == b"evidence"


def test_what_is_not_locked_goes_even_beside_what_is(subject: Subject, locking_bucket: str) -> None:
    for key in ("a", "c"):
        subject.store.put(locking_bucket, key, b"free")
    subject.store.put(locking_bucket, "b", b"evidence", retain_until=subject.clock.now() + LONG)
    with pytest.raises(ObjectLockedError):
        subject.store.delete_many(locking_bucket, ["a", "b", "c"])
    assert [found.key for found in subject.store.list(locking_bucket)] == ["b"]


def test_a_lock_ends_at_its_time(subject: Subject, locking_bucket: str) -> None:
    subject.store.put(locking_bucket, KEY, b"evidence", retain_until=subject.clock.now() + timedelta(seconds=3))
    with pytest.raises(ObjectLockedError):
        subject.store.delete(locking_bucket, KEY)
    subject.pass_time(4)
    subject.store.delete(locking_bucket, KEY)
    with pytest.raises(ObjectNotFoundError):
        subject.store.get(locking_bucket, KEY)


def test_a_deletion_leaves_no_version_behind(store: ObjectStore, locking_bucket: str) -> None:
    for data in (b"first", b"second"):
        store.put(locking_bucket, KEY, data)
    store.delete(locking_bucket, KEY)
    store.delete(locking_bucket, KEY)
    assert list(store.list(locking_bucket)) == []
    with pytest.raises(ObjectNotFoundError):
        store.stat(locking_bucket, KEY)


def test_a_deletion_spares_keys_that_begin_alike(store: ObjectStore, locking_bucket: str) -> None:
    for key in (KEY, f"{KEY}.json", f"{KEY}/part"):
        store.put(locking_bucket, key, b"evidence")
    store.delete(locking_bucket, KEY)
    assert sorted(found.key for found in store.list(locking_bucket)) == [f"{KEY}.json", f"{KEY}/part"]


def test_nothing_is_locked_in_a_bucket_without_locks(subject: Subject, bucket: str) -> None:
    with pytest.raises(ObjectStoreError):
        subject.store.put(bucket, KEY, b"evidence", retain_until=subject.clock.now() + LONG)
    assert list(subject.store.list(bucket)) == []


def test_a_bucket_without_locks_does_not_pass_for_one_with(store: ObjectStore, bucket: str) -> None:
    with pytest.raises(ObjectStoreError, match="without object lock"):
        store.ensure_bucket(bucket, object_lock=True)


def test_a_bucket_with_locks_is_made_once(store: ObjectStore, locking_bucket: str) -> None:
    store.put(locking_bucket, KEY, b"evidence")
    store.ensure_bucket(locking_bucket, object_lock=True)
    store.ensure_bucket(locking_bucket)
    assert store.get(locking_bucket, KEY) == b"evidence"
