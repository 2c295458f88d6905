"""What becomes of an object's older versions in a bucket that keeps them, as every bucket with object lock does."""

from datetime import UTC

from minio import Minio
from minio.error import S3Error
from minio.versioningconfig import OFF

from homeward.shared.clock import Clock
from homeward.shared.objectstore.port import ObjectLockedError

_REFUSALS = frozenset({"AccessDenied", "InvalidRequest"})
"""What servers answer when a lock forbids to delete; it may mean something else as well."""


class Versions:
    """Deletes objects with all their versions: a plain delete would only hide them behind a marker.

    Raises the SDK's errors, but ObjectLockedError for a lock.
    """

    def __init__(self, client: Minio, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._known: set[str] = set()

    def kept(self, bucket: str) -> bool:
        """Return whether the bucket keeps versions."""
        # Only a yes is remembered: versioning may be switched on later, and never off.
        if bucket not in self._known:
            if self._client.get_bucket_versioning(bucket).status_string == OFF:
                return False
            self._known.add(bucket)
        return True

    def delete(self, bucket: str, key: str) -> None:
        """Delete every version of one object; one that is not there is no error."""
        found = self._client.list_objects(bucket, prefix=key, recursive=True, include_version=True)
        newest_first = [version.version_id or "null" for version in found if version.object_name == key]
        # Oldest first: when one is locked, the newest still stands and readers see no change.
        for version in reversed(newest_first):
            self._delete_version(bucket, key, version)

    def _delete_version(self, bucket: str, key: str, version: str) -> None:
        try:
            self._client.remove_object(bucket, key, version_id=version)
        except S3Error as error:
            if error.code in _REFUSALS and self._is_locked(bucket, key, version):
                raise ObjectLockedError(f"delete in the bucket {bucket} was refused: the object is locked") from error
            raise

    def _is_locked(self, bucket: str, key: str, version: str) -> bool:
        retention = self._client.get_object_retention(bucket, key, version_id=version)
        if retention is not None and retention.retain_until_date.astimezone(UTC) > self._clock.now():
            return True
        try:
            return self._client.is_object_legal_hold_enabled(bucket, key, version_id=version)
        except S3Error as error:
            if error.code == "NoSuchObjectLegalHold":
                return False
            raise
