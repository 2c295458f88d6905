"""What the object store in memory keeps: buckets of keys of versions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import md5
from typing import Self

from homeward.shared.objectstore.port import LifecycleRule, ObjectInfo


@dataclass(frozen=True, slots=True)
class Version:
    """One state of one object, as it was written."""

    data: bytes
    modified_at: datetime
    content_type: str = "application/octet-stream"
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    retain_until: datetime | None = None

    def info(self, key: str) -> ObjectInfo:
        """Return what a store tells of this version under `key`."""
        etag = md5(self.data, usedforsecurity=False).hexdigest()
        return ObjectInfo(key, len(self.data), self.modified_at, etag, dict(self.metadata))

    def copied(self, at: datetime) -> Self:
        """Return a copy made `at` a time; a lock stays with the original."""
        return replace(self, modified_at=at, retain_until=None)

    def locked(self, at: datetime) -> bool:
        """Return whether the version may not be deleted `at` a time."""
        return self.retain_until is not None and self.retain_until > at


@dataclass(slots=True)
class Bucket:
    """One bucket: each key's versions, oldest first; more than one only with object lock."""

    object_lock: bool
    objects: dict[str, list[Version]] = field(default_factory=dict)
    rules: Sequence[LifecycleRule] = ()

    def write(self, key: str, version: Version) -> None:
        """Make `version` the newest of `key`, and the only one where nothing can be locked."""
        older = self.objects.get(key, []) if self.object_lock else []
        self.objects[key] = [*older, version]

    def retag(self, key: str, tags: Mapping[str, str]) -> None:
        """Replace the tags of the newest version of `key`, which must be there."""
        versions = self.objects[key]
        versions[-1] = replace(versions[-1], tags=dict(tags))

    def delete(self, key: str, at: datetime) -> bool:
        """Delete the versions of `key`, oldest first, until one is locked; return whether all are gone."""
        versions = self.objects.get(key, [])
        while versions:
            if versions[0].locked(at):
                return False
            versions.pop(0)
        self.objects.pop(key, None)
        return True
