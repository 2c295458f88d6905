"""The object store by way of the `minio` SDK: MinIO, SeaweedFS, or any other S3 API."""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any, BinaryIO, Final, cast

from minio.commonconfig import COMPLIANCE, CopySource, Tags
from minio.datatypes import Object
from minio.deleteobjects import DeleteObject
from minio.error import S3Error
from minio.retention import Retention
from urllib3.exceptions import HTTPError

from homeward.shared.clock import Clock, SystemClock
from homeward.shared.objectstore.exact import ExactStream
from homeward.shared.objectstore.minio_client import RETRIES, connect
from homeward.shared.objectstore.minio_errors import error_of_code, translated
from homeward.shared.objectstore.minio_lifecycle import from_config, to_config
from homeward.shared.objectstore.minio_versions import Versions
from homeward.shared.objectstore.port import (
    LifecycleRule,
    ObjectInfo,
    ObjectLockedError,
    ObjectNotFoundError,
    ObjectStoreError,
)
from homeward.shared.settings import ObjectStoreSettings

_PART_BYTES: Final = 16 * 1024 * 1024  # what one upload holds in memory; a clip of 10 s fits into one request
_CHUNK_BYTES: Final = 256 * 1024
_BATCH: Final = 1000  # keys that S3 deletes in one request, at the most
_METADATA: Final = "x-amz-meta-"


class MinioStore:
    """The port `ObjectStore` on an S3 API."""

    def __init__(self, settings: ObjectStoreSettings, *, clock: Clock | None = None, connections: int = 16) -> None:
        """Take `settings`; nothing is sent yet. At most `connections` are kept open for later use."""
        self._client = connect(settings, connections)
        self._clock = clock or SystemClock()
        self._versions = Versions(self._client, self._clock)

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
        """Write one object; one of more than 16 MiB goes up in parts, and appears when the last has arrived."""
        if isinstance(data, bytes):
            size_bytes = len(data)
            data = io.BytesIO(data)
        elif size_bytes is None:
            raise ValueError("a stream needs its size_bytes")
        with translated("put", bucket):
            result = self._client.put_object(
                bucket,
                key,
                cast("BinaryIO", ExactStream(data, size_bytes)),  # the SDK only calls read
                size_bytes,
                content_type=content_type,
                metadata=dict(metadata or {}),
                part_size=_PART_BYTES,
                num_parallel_uploads=1,
                retention=None if retain_until is None else Retention(COMPLIANCE, retain_until.astimezone(UTC)),
            )
        date = result.http_headers.get("date")
        modified_at = self._clock.now() if date is None else parsedate_to_datetime(date)
        return ObjectInfo(key, size_bytes, modified_at, result.etag or "", _lower(metadata))

    def get(self, bucket: str, key: str) -> bytes:
        """Return one object whole, reading again when the connection breaks midway."""
        return self._read(bucket, key)

    def get_range(self, bucket: str, key: str, offset_bytes: int, length_bytes: int) -> bytes:
        """Return exactly `length_bytes` from `offset_bytes`."""
        if offset_bytes < 0 or length_bytes < 0:
            raise ValueError("a range has no negative offset or length")
        if length_bytes == 0:
            # S3 has no empty range, and to the SDK 0 means everything.
            if self.stat(bucket, key).size_bytes < offset_bytes:
                raise ObjectNotFoundError(f"get in the bucket {bucket} found nothing: the object is shorter")
            return b""
        data = self._read(bucket, key, offset_bytes, length_bytes)
        if len(data) != length_bytes:
            raise ObjectNotFoundError(f"get in the bucket {bucket} found nothing: the object is shorter")
        return data

    def download(self, bucket: str, key: str, target: BinaryIO) -> ObjectInfo:
        """Stream one object into `target`, which holds a part of it when ObjectStoreUnavailableError is raised."""
        with translated("get", bucket):
            response = self._client.get_object(bucket, key)
            try:
                target.writelines(response.stream(_CHUNK_BYTES))
                return _of_headers(key, response.headers)
            finally:
                response.close()
                response.release_conn()

    def stat(self, bucket: str, key: str) -> ObjectInfo:
        """Return what is known of one object."""
        with translated("stat", bucket):
            found = self._client.stat_object(bucket, key)
            return _of_headers(key, found.metadata)

    def list(self, bucket: str, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield every object under `prefix`, page by page; SeaweedFS goes folder by folder, not by the whole key."""
        with translated("list", bucket):
            for found in self._client.list_objects(bucket, prefix=prefix, recursive=True):
                if not found.is_dir:
                    yield _of_listing(found)

    def list_prefixes(self, bucket: str, prefix: str = "") -> Iterator[str]:
        """Yield each `<prefix>.../` of the next level that holds an object."""
        with translated("list", bucket):
            for found in self._client.list_objects(bucket, prefix=prefix):
                # SeaweedFS goes on naming a folder whose last object is gone.
                if found.is_dir and found.object_name and self._holds_any(bucket, found.object_name):
                    yield found.object_name

    def copy(self, bucket: str, key: str, to_bucket: str, to_key: str) -> None:
        """Copy one object within the store."""
        with translated("copy", bucket):
            self._client.copy_object(to_bucket, to_key, CopySource(bucket, key))

    def delete(self, bucket: str, key: str) -> None:
        """Delete one object with every version of it."""
        with translated("delete", bucket):
            if self._versions.kept(bucket):
                self._versions.delete(bucket, key)
            else:
                self._client.remove_object(bucket, key)

    def delete_many(self, bucket: str, keys: Iterable[str]) -> int:
        """Delete the objects with `keys`; those that can go are gone even when ObjectLockedError is raised."""
        remaining = iter(keys)
        confirmed = 0
        locked: ObjectLockedError | None = None
        while batch := list(islice(remaining, _BATCH)):
            with translated("delete", bucket):
                versioned = self._versions.kept(bucket)
            if versioned:
                for key in batch:
                    try:
                        self.delete(bucket, key)
                        confirmed += 1
                    except ObjectLockedError as error:
                        locked = error
                continue
            with translated("delete", bucket):
                refused = list(self._client.remove_objects(bucket, [DeleteObject(key) for key in batch]))
            codes = [error.code or "" for error in refused if error.code != "NoSuchKey"]
            if codes:
                raise error_of_code(codes[0], "delete", bucket)
            confirmed += len(batch)
        if locked is not None:
            raise locked
        return confirmed

    def tags(self, bucket: str, key: str) -> Mapping[str, str]:
        """Return an object's tags."""
        with translated("tags", bucket):
            return dict(self._client.get_object_tags(bucket, key) or {})

    def set_tags(self, bucket: str, key: str, tags: Mapping[str, str]) -> None:
        """Replace an object's tags."""
        with translated("tags", bucket):
            if not tags:
                self._client.delete_object_tags(bucket, key)
                return
            replacement = Tags.new_object_tags()
            replacement.update(tags)
            self._client.set_object_tags(bucket, key, replacement)

    def presign_get(self, bucket: str, key: str, lifetime: timedelta) -> str:
        """Return a URL with which anyone may read the object until `lifetime` (1 s to 7 days) has passed."""
        with translated("presign", bucket):
            return self._client.presigned_get_object(bucket, key, expires=lifetime)

    def ensure_bucket(self, bucket: str, *, object_lock: bool = False) -> None:
        """Make the bucket when it is not there; raise ObjectStoreError when it is there without the object lock."""
        with translated("make", bucket):
            try:
                self._client.make_bucket(bucket, object_lock=object_lock)
            except S3Error as error:
                if error.code not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
                    raise
        if object_lock and not self._has_object_lock(bucket):
            raise ObjectStoreError(f"the bucket {bucket} is there, without object lock; it has to be made anew")

    def set_lifecycle(self, bucket: str, rules: Sequence[LifecycleRule]) -> None:
        """Replace the bucket's lifecycle rules."""
        with translated("set the lifecycle", bucket):
            if rules:
                self._client.set_bucket_lifecycle(bucket, to_config(rules, versioned=self._versions.kept(bucket)))
            else:
                self._client.delete_bucket_lifecycle(bucket)

    def lifecycle(self, bucket: str) -> Sequence[LifecycleRule]:
        """Return the bucket's lifecycle rules; those of other kinds, such as transitions, are left out."""
        with translated("get the lifecycle", bucket):
            return from_config(self._client.get_bucket_lifecycle(bucket))

    def ping(self) -> None:
        """Return when the store answers and knows the access key; the user need not be allowed to list buckets."""
        with translated("ping", ""):
            try:
                self._client.list_buckets()
            except S3Error as error:
                if error.code != "AccessDenied":
                    raise

    def _read(self, bucket: str, key: str, offset_bytes: int = 0, length_bytes: int = 0) -> bytes:
        with translated("get", bucket):
            tries = RETRIES
            while True:
                response = self._client.get_object(bucket, key, offset_bytes, length_bytes)
                try:
                    return response.read()
                except HTTPError:
                    # The client's own retries end where the body begins.
                    if not tries:
                        raise
                    tries -= 1
                finally:
                    response.close()
                    response.release_conn()

    def _holds_any(self, bucket: str, prefix: str) -> bool:
        return any(not found.is_dir for found in self._client.list_objects(bucket, prefix=prefix, recursive=True))

    def _has_object_lock(self, bucket: str) -> bool:
        with translated("make", bucket):
            try:
                self._client.get_object_lock_config(bucket)
            except S3Error as error:
                if error.code == "ObjectLockConfigurationNotFoundError":
                    return False
                raise
            return True


def _lower(metadata: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return metadata as the store tells it: kept as headers, whose names have no case."""
    return {name.lower(): value for name, value in (metadata or {}).items()}


def _of_headers(key: str, headers: Any) -> ObjectInfo:
    """Return what the headers of an answer about one object say."""
    return ObjectInfo(
        key,
        int(headers.get("content-length", "0")),
        parsedate_to_datetime(headers["last-modified"]),
        headers.get("etag", "").replace('"', ""),
        {
            name.lower().removeprefix(_METADATA): value
            for name, value in headers.items()
            if name.lower().startswith(_METADATA)
        },
    )


def _of_listing(found: Object) -> ObjectInfo:
    """Return what a listing says of one object."""
    modified_at = found.last_modified or datetime.min.replace(tzinfo=UTC)
    return ObjectInfo(found.object_name or "", found.size or 0, modified_at, (found.etag or "").replace('"', ""))
