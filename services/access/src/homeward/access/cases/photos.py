"""Reference photos: checked as they come, kept until a search begins, gone when it ends."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, undefer

from homeward.access.cases.model import PhotoUpload
from homeward.access.cases.tables import PhotoRow
from homeward.access.errors import InvalidError, NotFoundError
from homeward.access.sentence import Sentence
from homeward.shared.objectkeys import SUBJECTS_BUCKET, photo_key, subject_prefix
from homeward.shared.objectstore.port import ObjectNotFoundError, ObjectStore, ObjectStoreError
from homeward.shared.telemetry.logging import get_logger
from homeward.shared.vision.photo import PhotoError, normalise_photo

CONTENT_TYPE: Final = "image/jpeg"
_DECLARED: Final = frozenset({"image/jpeg", "image/jpg", "image/png", "application/octet-stream"})
_AT_ONCE: Final = 2
"""Photos decoded at once: one of 60 million pixels takes 180 MB meanwhile."""

_log = get_logger()


class Photos:
    """The photos of every request. Safe to use from several threads."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._room = threading.BoundedSemaphore(_AT_ONCE)

    def normalise(self, uploads: Sequence[PhotoUpload]) -> list[bytes]:
        """Return each photo as it is kept, a JPEG of its pixels alone; raise InvalidError, which names the photo."""
        kept = []
        for index, upload in enumerate(uploads):
            field = f"photos.{index}"
            if upload.content_type and upload.content_type.partition(";")[0].strip().lower() not in _DECLARED:
                reason = Sentence(
                    "photo {number} is said to be no JPEG and no PNG; send one of these", {"number": index + 1}
                )
                raise InvalidError("photo_type", reason, field)
            try:
                with self._room:
                    kept.append(normalise_photo(upload.data, index + 1))
            except PhotoError as error:
                raise InvalidError("photo", str(error), field) from None
        return kept

    def keys(self, session: Session, request_id: str) -> tuple[str, ...]:
        """Return the keys that a request's photos have, or will have, in the bucket subjects."""
        counted = select(func.count()).select_from(PhotoRow).where(PhotoRow.request_id == request_id)
        return tuple(photo_key(request_id, index) for index in range(session.scalar(counted) or 0))

    def hand_over(self, session: Session, request_id: str) -> None:
        """Move a request's photos to the bucket subjects, those of them that are not there yet.

        Raises ObjectStoreError; then, and when the transaction is rolled back, `wipe` removes what was written.
        """
        held = select(PhotoRow).options(undefer(PhotoRow.data)).where(PhotoRow.request_id == request_id)
        for row in session.scalars(held):
            if row.data is not None:
                key = photo_key(request_id, row.position)
                self._store.put(SUBJECTS_BUCKET, key, row.data, content_type=CONTENT_TYPE)
                row.data = None

    def forget(self, session: Session, request_id: str) -> None:
        """Remove a request's photos from the database."""
        session.execute(update(PhotoRow).where(PhotoRow.request_id == request_id).values(data=None))

    def waiting(self, session: Session, request_id: str, index: int) -> bytes | None:
        """Return a photo that is in the database still, None for one that was handed over; raise NotFoundError."""
        row = session.get(PhotoRow, (request_id, index), options=[undefer(PhotoRow.data)])
        if row is None:
            raise NotFoundError("photo", "there is no such photo")
        return row.data

    def fetch(self, request_id: str, index: int) -> bytes:
        """Return a photo that was handed over; raise NotFoundError and ObjectStoreError."""
        try:
            return self._store.get(SUBJECTS_BUCKET, photo_key(request_id, index))
        except ObjectNotFoundError:
            raise NotFoundError("photo", "the photo is gone") from None

    def count_stored(self, request_id: str) -> int:
        """Return how many photos of a request the bucket subjects holds; raise ObjectStoreError."""
        return sum(1 for _ in self._store.list(SUBJECTS_BUCKET, subject_prefix(request_id)))

    def wipe(self, request_id: str) -> bool:
        """Delete a request's photos in the bucket subjects; return whether none is left.

        Retention does the same when it hears of the end, and proves it: what fails here is logged and left to it.
        """
        prefix = subject_prefix(request_id)
        with suppress(ObjectStoreError):
            keys = [info.key for info in self._store.list(SUBJECTS_BUCKET, prefix)]
            if keys:
                self._store.delete_many(SUBJECTS_BUCKET, keys)
            if not any(self._store.list(SUBJECTS_BUCKET, prefix)):
                return True
        _log.warning("photos are left to retention", authorisation_id=request_id)
        return False
