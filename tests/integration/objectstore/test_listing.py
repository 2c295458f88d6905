import pytest

from homeward.shared.objectstore.port import ObjectNotFoundError, ObjectStore
from support.object_stores import put_many

DAY = "2026-11-23/"
PAGE = 1000
ALIKE = ("cam-1", "cam-1-b", "cam-1.c", "cam-10")  # "cam-1-b/" is before "cam-1/" by bytes, and after it by folder


def test_a_listing_has_every_object_under_the_prefix(store: ObjectStore, bucket: str) -> None:
    for key in ("a/1", "a/2", "ab/1", "b"):
        store.put(bucket, key, key.encode())
    assert [found.key for found in store.list(bucket, "a/")] == ["a/1", "a/2"]
    assert sorted(found.key for found in store.list(bucket, "a")) == ["a/1", "a/2", "ab/1"]
    assert sorted(found.key for found in store.list(bucket)) == ["a/1", "a/2", "ab/1", "b"]
    assert list(store.list(bucket, "c/")) == []
    (found,) = store.list(bucket, "ab/")
    assert (found.size_bytes, found.modified_at.tzinfo is not None) == (4, True)


def test_a_long_folder_is_listed_whole_and_in_order(store: ObjectStore, bucket: str) -> None:
    keys = [f"{DAY}cam-1/{index:05d}.mp4" for index in range(PAGE + 1)]
    put_many(store, bucket, reversed(keys))
    assert [found.key for found in store.list(bucket, DAY)] == keys
    assert store.delete_many(bucket, iter(keys)) == len(keys)
    assert list(store.list(bucket)) == []


def test_no_page_loses_an_object_among_folders_that_begin_alike(store: ObjectStore, bucket: str) -> None:
    keys = {f"{DAY}{camera}/{index:04d}" for camera in ALIKE for index in range(301)}
    put_many(store, bucket, keys)
    listed = [found.key for found in store.list(bucket)]
    assert len(listed) == len(keys)
    assert set(listed) == keys
    assert set(store.list_prefixes(bucket, DAY)) == {f"{DAY}{camera}/" for camera in ALIKE}


def test_prefixes_are_those_of_the_next_level(store: ObjectStore, bucket: str) -> None:
    for key in ("2026-11-22/cam-1/x", "2026-11-23/cam-1/x", "2026-11-23/cam-2/x", "top"):
        store.put(bucket, key, b"")
    assert list(store.list_prefixes(bucket)) == ["2026-11-22/", "2026-11-23/"]
    assert list(store.list_prefixes(bucket, "2026-11-23/")) == ["2026-11-23/cam-1/", "2026-11-23/cam-2/"]
    assert list(store.list_prefixes(bucket, "2026-11-24/")) == []


def test_a_prefix_goes_with_its_last_object(store: ObjectStore, bucket: str) -> None:
    store.put(bucket, "2026-11-22/cam-1/x", b"")
    store.put(bucket, "2026-11-23/cam-1/x", b"")
    store.delete(bucket, "2026-11-22/cam-1/x")
    assert list(store.list_prefixes(bucket)) == ["2026-11-23/"]
    store.delete_many(bucket, ["2026-11-23/cam-1/x"])
    assert list(store.list_prefixes(bucket)) == []


def test_many_are_deleted_whether_they_are_there_or_not(store: ObjectStore, bucket: str) -> None:
    for key in ("a", "b", "c/d"):
        store.put(bucket, key, b"")
    assert store.delete_many(bucket, ["a", "never there", "c/d"]) == 3
    assert [found.key for found in store.list(bucket)] == ["b"]
    assert store.delete_many(bucket, []) == 0


def test_the_prefixes_of_a_missing_bucket_are_not_nothing(store: ObjectStore) -> None:
    with pytest.raises(ObjectNotFoundError):
        list(store.list_prefixes("no-such-bucket"))
