"""An object store in memory for tests: it passes the suite that MinIO and SeaweedFS pass."""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import BinaryIO, Final
from urllib.parse import parse_qs, quote, unquote, urlsplit

from homeward.shared.clock import Clock
from homeward.shared.instants import format_instant, parse_instant, require_aware
from homeward.shared.objectstore.exact import ExactStream
from homeward.shared.objectstore.memory_objects import Bucket, Version
from homeward.shared.objectstore.port import (
    LifecycleRule,
    ObjectInfo,
    ObjectLockedError,
    ObjectNotFoundError,
    ObjectStoreError,
    ObjectStoreUnavailableError,
)

_LONGEST_PRESIGN: Final = timedelta(days=7)


class MemoryStore:
    """The port `ObjectStore` in memory, on a clock of the test's own.

    `available` is True; set to False, every call raises ObjectStoreUnavailableError, as from a store that is down.
    """

    def __init__(self, clock: Clock) -> None:
        self.available = True
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}
        self._lock = threading.RLock()

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
        """Write one object whole."""
        if not isinstance(data, bytes):
            if size_bytes is None:
                raise ValueError("a stream needs its size_bytes")
            data = _read_all(ExactStream(data, size_bytes))
        # S3 keeps metadata as headers, whose names have no case.
        kept = {name.lower(): value for name, value in (metadata or {}).items()}
        with self._lock:
            found = self._bucket(bucket, "put")
            if retain_until is not None and not found.object_lock:
                raise ObjectStoreError(f"put in the bucket {bucket} was refused: the bucket has no object lock")
            until = None if retain_until is None else require_aware(retain_until)
            version = Version(data, self._clock.now(), content_type, kept, {}, until)
            found.write(key, version)
            return version.info(key)

    def get(self, bucket: str, key: str) -> bytes:
        """Return one object whole."""
        return self._newest(bucket, key, "get").data

    def get_range(self, bucket: str, key: str, offset_bytes: int, length_bytes: int) -> bytes:
        """Return exactly `length_bytes` from `offset_bytes`."""
        if offset_bytes < 0 or length_bytes < 0:
            raise ValueError("a range has no negative offset or length")
        data = self._newest(bucket, key, "get").data
        if offset_bytes + length_bytes > len(data):
            raise ObjectNotFoundError(f"get in the bucket {bucket} found nothing: the object is shorter")
        return data[offset_bytes : offset_bytes + length_bytes]

    def download(self, bucket: str, key: str, target: BinaryIO) -> ObjectInfo:
        """Write one object into `target`."""
        version = self._newest(bucket, key, "get")
        target.write(version.data)
        return version.info(key)

    def stat(self, bucket: str, key: str) -> ObjectInfo:
        """Return what is known of one object."""
        return self._newest(bucket, key, "stat").info(key)

    def list(self, bucket: str, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield every object under `prefix`, in the order of keys, as of the first step."""
        for key, version in self._under(bucket, prefix):
            info = version.info(key)
            yield ObjectInfo(key, info.size_bytes, info.modified_at, info.etag)

    def list_prefixes(self, bucket: str, prefix: str = "") -> Iterator[str]:
        """Yield each `<prefix>.../` of the next level that holds an object."""
        rests = (key.removeprefix(prefix) for key, _ in self._under(bucket, prefix))
        yield from dict.fromkeys(f"{prefix}{rest.partition('/')[0]}/" for rest in rests if "/" in rest)

    def copy(self, bucket: str, key: str, to_bucket: str, to_key: str) -> None:
        """Copy one object with its metadata and tags."""
        with self._lock:
            version = self._newest(bucket, key, "copy")
            self._bucket(to_bucket, "copy").write(to_key, version.copied(self._clock.now()))

    def delete(self, bucket: str, key: str) -> None:
        """Delete one object, every version of it."""
        with self._lock:
            if not self._bucket(bucket, "delete").delete(key, self._clock.now()):
                raise ObjectLockedError(f"delete in the bucket {bucket} was refused: the object is locked")

    def delete_many(self, bucket: str, keys: Iterable[str]) -> int:
        """Delete the objects with `keys`; raise ObjectLockedError after the others are gone."""
        with self._lock:
            found, now = self._bucket(bucket, "delete"), self._clock.now()
            gone = [found.delete(key, now) for key in keys]
        if not all(gone):
            raise ObjectLockedError(f"delete in the bucket {bucket} was refused: the object is locked")
        return len(gone)

    def tags(self, bucket: str, key: str) -> Mapping[str, str]:
        """Return an object's tags."""
        return dict(self._newest(bucket, key, "tags").tags)

    def set_tags(self, bucket: str, key: str, tags: Mapping[str, str]) -> None:
        """Replace an object's tags."""
        with self._lock:
            self._newest(bucket, key, "tags")
            self._bucket(bucket, "tags").retag(key, tags)

    def presign_get(self, bucket: str, key: str, lifetime: timedelta) -> str:
        """Return a URL that `fetch` of this store answers until `lifetime` (1 s to 7 days) has passed."""
        if not timedelta(seconds=1) <= lifetime <= _LONGEST_PRESIGN:
            raise ValueError("a presigned URL lives from 1 second to 7 days")
        return f"memory://{bucket}/{quote(key)}?until={format_instant(self._clock.now() + lifetime)}"

    def fetch(self, url: str) -> bytes:
        """Return what a presigned URL of this store gives; raise PermissionError once it has run out."""
        parts = urlsplit(url)
        if parse_instant(parse_qs(parts.query)["until"][0]) <= self._clock.now():
            raise PermissionError("the URL has run out")
        return self.get(parts.netloc, unquote(parts.path.removeprefix("/")))

    def ensure_bucket(self, bucket: str, *, object_lock: bool = False) -> None:
        """Make the bucket when it is not there."""
        with self._lock:
            self._check()
            found = self._buckets.setdefault(bucket, Bucket(object_lock))
            if object_lock and not found.object_lock:
                raise ObjectStoreError(f"the bucket {bucket} is there, without object lock; it has to be made anew")

    def set_lifecycle(self, bucket: str, rules: Sequence[LifecycleRule]) -> None:
        """Replace the bucket's lifecycle rules."""
        with self._lock:
            self._bucket(bucket, "set the lifecycle").rules = tuple(rules)

    def lifecycle(self, bucket: str) -> Sequence[LifecycleRule]:
        """Return the bucket's lifecycle rules."""
        with self._lock:
            return self._bucket(bucket, "get the lifecycle").rules

    def run_lifecycle(self) -> None:
        """Delete what the rules say, as a real store does by itself once a day."""
        with self._lock:
            now = self._clock.now()
            for bucket in self._buckets.values():
                for rule in bucket.rules:
                    limit = now - timedelta(days=rule.days)
                    for key in [key for key in bucket.objects if key.startswith(rule.prefix)]:
                        if bucket.objects[key][-1].modified_at <= limit:
                            bucket.delete(key, now)

    def ping(self) -> None:
        """Return unless the store was made unavailable."""
        self._check()

    def _check(self) -> None:
        if not self.available:
            raise ObjectStoreUnavailableError("the object store does not answer")

    def _bucket(self, bucket: str, operation: str) -> Bucket:
        self._check()
        if bucket not in self._buckets:
            raise ObjectNotFoundError(f"{operation} in the bucket {bucket} found nothing: NoSuchBucket")
        return self._buckets[bucket]

    def _newest(self, bucket: str, key: str, operation: str) -> Version:
        with self._lock:
            versions = self._bucket(bucket, operation).objects.get(key)
            if not versions:
                raise ObjectNotFoundError(f"{operation} in the bucket {bucket} found nothing: NoSuchKey")
            return versions[-1]

    def _under(self, bucket: str, prefix: str) -> Sequence[tuple[str, Version]]:
        with self._lock:
            objects = self._bucket(bucket, "list").objects
            # S3 orders keys by their UTF-8 bytes, which is the order of code points.
            return [(key, objects[key][-1]) for key in sorted(objects) if key.startswith(prefix)]


def _read_all(stream: ExactStream) -> bytes:
    """Return all of `stream`, whose reads may each give less than was asked for."""
    data = bytearray()
    while chunk := stream.read():
        data += chunk
    return bytes(data)
