import io
import secrets
from datetime import timedelta
from typing import Any

import pytest

from homeward.shared.objectstore.port import ObjectNotFoundError, ObjectStore, ObjectStoreError

KEY = "2026-11-23/cam-1/20261123T205000.000000Z-clip.mp4"
MANY_PARTS = 33 * 1024 * 1024  # three parts of an upload


class Trickle(io.BytesIO):
    """A stream that gives less than it is asked for, as a socket does."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size, 1000) if size is not None and size > 0 else 1000)


def test_what_was_put_is_got(store: ObjectStore, bucket: str) -> None:
    written = store.put(bucket, KEY, b"footage", content_type="video/mp4", metadata={"Camera": "cam-1"})
    found = store.stat(bucket, KEY)
    assert store.get(bucket, KEY) == b"footage"
    assert (found.key, found.size_bytes, found.metadata) == (KEY, 7, {"camera": "cam-1"})
    assert (written.key, written.size_bytes, written.metadata) == (KEY, 7, {"camera": "cam-1"})
    assert written.etag == found.etag
    assert written.modified_at.tzinfo is not None
    assert abs(written.modified_at - found.modified_at) < timedelta(seconds=5)


def test_an_empty_object_is_an_object(store: ObjectStore, bucket: str) -> None:
    store.put(bucket, KEY, b"")
    assert store.get(bucket, KEY) == b""
    assert store.stat(bucket, KEY).size_bytes == 0


def test_a_stream_is_stored_whole(store: ObjectStore, bucket: str) -> None:
    data = secrets.token_bytes(10_000)
    store.put(bucket, KEY, Trickle(data), size_bytes=len(data))
    assert store.get(bucket, KEY) == data


def test_a_stream_of_many_parts_is_stored_and_streamed_back(store: ObjectStore, bucket: str) -> None:
    data = secrets.token_bytes(MANY_PARTS)
    store.put(bucket, KEY, io.BytesIO(data), size_bytes=len(data))
    target = io.BytesIO()
    assert store.download(bucket, KEY, target).size_bytes == len(data)
    assert target.getvalue() == data
    assert store.get_range(bucket, KEY, MANY_PARTS - 5, 5) == data[-5:]


@pytest.mark.parametrize("size_bytes", [8, MANY_PARTS])
def test_a_stream_that_ends_early_stores_nothing(store: ObjectStore, bucket: str, size_bytes: int) -> None:
    with pytest.raises(ValueError, match="the stream ended 1 bytes early"):
        store.put(bucket, KEY, io.BytesIO(bytes(size_bytes - 1)), size_bytes=size_bytes)
    assert list(store.list(bucket)) == []


def test_a_stream_longer_than_said_is_cut(store: ObjectStore, bucket: str) -> None:
    store.put(bucket, KEY, io.BytesIO(b"footage and more"), size_bytes=7)
    assert store.get(bucket, KEY) == b"footage"


def test_a_stream_needs_its_size(store: ObjectStore, bucket: str) -> None:
    with pytest.raises(ValueError, match="size_bytes"):
        store.put(bucket, KEY, io.BytesIO(b"footage"))


def test_an_overwrite_replaces_everything(store: ObjectStore, bucket: str) -> None:
    store.put(bucket, KEY, b"a longer first", metadata={"camera": "cam-1"})
    store.set_tags(bucket, KEY, {"hold": "1"})
    store.put(bucket, KEY, b"second")
    assert store.get(bucket, KEY) == b"second"
    assert store.stat(bucket, KEY).metadata == {}
    assert store.tags(bucket, KEY) == {}


@pytest.mark.parametrize(
    ("offset_bytes", "length_bytes", "expected"),
    [(0, 10, b"0123456789"), (0, 1, b"0"), (3, 4, b"3456"), (9, 1, b"9"), (4, 0, b""), (10, 0, b"")],
)
def test_a_range_is_exactly_what_was_asked_for(
    store: ObjectStore, bucket: str, offset_bytes: int, length_bytes: int, expected: bytes
) -> None:
    store.put(bucket, KEY, b"0123456789")
    assert store.get_range(bucket, KEY, offset_bytes, length_bytes) == expected


@pytest.mark.parametrize(("offset_bytes", "length_bytes"), [(8, 3), (10, 1), (11, 0), (500, 2)])
def test_a_range_past_the_end_is_not_there(
    store: ObjectStore, bucket: str, offset_bytes: int, length_bytes: int
) -> None:
    store.put(bucket, KEY, b"0123456789")
    with pytest.raises(ObjectNotFoundError):
        store.get_range(bucket, KEY, offset_bytes, length_bytes)


@pytest.mark.parametrize(("offset_bytes", "length_bytes"), [(-1, 3), (0, -1)])
def test_a_range_is_not_negative(store: ObjectStore, bucket: str, offset_bytes: int, length_bytes: int) -> None:
    store.put(bucket, KEY, b"0123456789")
    with pytest.raises(ValueError, match="negative"):
        store.get_range(bucket, KEY, offset_bytes, length_bytes)


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("get", (KEY,)),
        ("get_range", (KEY, 0, 1)),
        ("get_range", (KEY, 0, 0)),
        ("download", (KEY, io.BytesIO())),
        ("stat", (KEY,)),
        ("tags", (KEY,)),
        ("set_tags", (KEY, {"hold": "1"})),
        ("copy", (KEY, "other", "key")),
    ],
)
def test_a_missing_object_is_named_as_such(
    store: ObjectStore, bucket: str, method: str, arguments: tuple[Any, ...]
) -> None:
    with pytest.raises(ObjectNotFoundError, match=bucket) as caught:
        getattr(store, method)(bucket, *arguments)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("put", (KEY, b"footage")),
        ("get", (KEY,)),
        ("stat", (KEY,)),
        ("copy", (KEY, "other", "key")),
        ("delete", (KEY,)),
        ("delete_many", ([KEY],)),
        ("lifecycle", ()),
        ("set_lifecycle", ([],)),
    ],
)
def test_a_missing_bucket_is_not_made_by_the_way(store: ObjectStore, method: str, arguments: tuple[Any, ...]) -> None:
    for _ in range(2):
        with pytest.raises(ObjectNotFoundError, match="no-such-bucket"):
            getattr(store, method)("no-such-bucket", *arguments)
    with pytest.raises(ObjectNotFoundError, match="no-such-bucket"):
        list(store.list("no-such-bucket"))


def test_a_deleted_object_is_gone(store: ObjectStore, bucket: str) -> None:
    store.put(bucket, KEY, b"footage")
    store.delete(bucket, KEY)
    store.delete(bucket, KEY)
    assert list(store.list(bucket)) == []
    with pytest.raises(ObjectNotFoundError):
        store.get(bucket, KEY)


def test_a_copy_keeps_data_metadata_and_tags(store: ObjectStore, bucket: str) -> None:
    other = f"{bucket}-evidence"
    store.ensure_bucket(other)
    store.put(bucket, KEY, b"footage", metadata={"camera": "cam-1"})
    store.set_tags(bucket, KEY, {"hold": "1"})
    store.copy(bucket, KEY, other, "hold/clip.mp4")
    store.delete(bucket, KEY)
    assert store.get(other, "hold/clip.mp4") == b"footage"
    assert store.stat(other, "hold/clip.mp4").metadata == {"camera": "cam-1"}
    assert store.tags(other, "hold/clip.mp4") == {"hold": "1"}


def test_a_copy_into_a_missing_bucket_is_refused(store: ObjectStore, bucket: str) -> None:
    store.put(bucket, KEY, b"footage")
    with pytest.raises(ObjectStoreError):
        store.copy(bucket, KEY, "no-such-bucket", KEY)


def test_tags_are_replaced(store: ObjectStore, bucket: str) -> None:
    store.put(bucket, KEY, b"footage")
    assert store.tags(bucket, KEY) == {}
    store.set_tags(bucket, KEY, {"hold": "1", "case": "a b/c"})
    assert store.tags(bucket, KEY) == {"hold": "1", "case": "a b/c"}
    store.set_tags(bucket, KEY, {"hold": "2"})
    assert store.tags(bucket, KEY) == {"hold": "2"}
    store.set_tags(bucket, KEY, {})
    assert store.tags(bucket, KEY) == {}
    assert store.get(bucket, KEY) == b"footage"


def test_a_bucket_is_made_once(store: ObjectStore, bucket: str) -> None:
    store.put(bucket, KEY, b"footage")
    store.ensure_bucket(bucket)
    assert store.get(bucket, KEY) == b"footage"


def test_a_store_that_answers_is_pinged(store: ObjectStore) -> None:
    store.ping()
