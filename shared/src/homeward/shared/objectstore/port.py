"""What Homeward asks of an object store."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import BinaryIO, Protocol


class ObjectStoreError(Exception):
    """The store refused or failed in a way that a retry will not mend; it names bucket and operation, not the key."""


class ObjectStoreUnavailableError(ObjectStoreError):
    """The store cannot be reached or is overloaded: the same call may succeed later, and is safe to repeat."""


class ObjectNotFoundError(ObjectStoreError):
    """There is no such object, or no such bucket."""


class ObjectLockedError(ObjectStoreError):
    """The object is under a retention or a legal hold and cannot be deleted."""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One object: `size_bytes`, `modified_at` in UTC, the user's own `metadata`.

    The names of metadata are in lower case; a listing has none.
    """

    key: str
    size_bytes: int
    modified_at: datetime
    etag: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LifecycleRule:
    """Everything under `prefix` is deleted by the store itself `days` after it was written.

    `prefix` "" is the whole bucket. Raises ValueError when `days` is less than 1.
    """

    rule_id: str
    prefix: str
    days: int

    def __post_init__(self) -> None:
        if self.days < 1:
            raise ValueError("a lifecycle rule waits a day at the least")


class ObjectStore(Protocol):
    """Objects by bucket and key.

    Every method blocks until the store has answered. Each may raise ObjectStoreUnavailableError, and every method
    that names one object ObjectNotFoundError. Safe to call from several threads.
    """

    def put(
        self,
        bucket: str,
        key: str,
        data: bytes | BinaryIO,
        *,
        size_bytes: int | None = None,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
        retain_until: datetime | None = None,
    ) -> ObjectInfo:
        """Write one object whole, replacing what was there; a reader never sees a part of it.

        `size_bytes` is needed for a stream, of which exactly that much is read; ValueError where it ends before.
        `retain_until` locks the object (COMPLIANCE) in a bucket made with object lock. There a later write hides the
        locked object from readers, and `delete` still refuses: what was locked stays until its time.
        """
        ...

    def get(self, bucket: str, key: str) -> bytes:
        """Return one object whole."""
        ...

    def get_range(self, bucket: str, key: str, offset_bytes: int, length_bytes: int) -> bytes:
        """Return exactly `length_bytes` from `offset_bytes`; raise ObjectNotFoundError when the object is shorter."""
        ...

    def download(self, bucket: str, key: str, target: BinaryIO) -> ObjectInfo:
        """Stream one object into `target`, which holds a part of it when ObjectStoreUnavailableError is raised."""
        ...

    def stat(self, bucket: str, key: str) -> ObjectInfo:
        """Return what is known of one object."""
        ...

    def list(self, bucket: str, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield every object under `prefix`, once each.

        Those of one folder come in the order of their keys; which folder comes first is the store's affair.
        """
        ...

    def list_prefixes(self, bucket: str, prefix: str = "") -> Iterator[str]:
        """Yield each `<prefix>.../` of the next level that holds an object, such as the days of a bucket."""
        ...

    def copy(self, bucket: str, key: str, to_bucket: str, to_key: str) -> None:
        """Copy one object with its metadata and tags within the store."""
        ...

    def delete(self, bucket: str, key: str) -> None:
        """Delete one object, every version of it; one that is not there is no error. Raises ObjectLockedError."""
        ...

    def delete_many(self, bucket: str, keys: Iterable[str]) -> int:
        """Delete the objects with `keys`, in batches, and return how many the store confirmed.

        Raises ObjectLockedError when some are locked, after the others are gone.
        """
        ...

    def tags(self, bucket: str, key: str) -> Mapping[str, str]:
        """Return an object's tags."""
        ...

    def set_tags(self, bucket: str, key: str, tags: Mapping[str, str]) -> None:
        """Replace an object's tags."""
        ...

    def presign_get(self, bucket: str, key: str, lifetime: timedelta) -> str:
        """Return a URL with which anyone may read the object until `lifetime` (1 s to 7 days) has passed."""
        ...

    def ensure_bucket(self, bucket: str, *, object_lock: bool = False) -> None:
        """Make the bucket when it is not there; raise ObjectStoreError when it is there without the object lock."""
        ...

    def set_lifecycle(self, bucket: str, rules: Sequence[LifecycleRule]) -> None:
        """Replace the bucket's lifecycle rules."""
        ...

    def lifecycle(self, bucket: str) -> Sequence[LifecycleRule]:
        """Return the bucket's lifecycle rules."""
        ...

    def ping(self) -> None:
        """Return when the store answers; for readiness."""
        ...
