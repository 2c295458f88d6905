"""The use case of pictures: crops and reference photos, each look recorded before the bytes are given."""

from collections.abc import Callable
from typing import Final

from sqlalchemy.orm import Session

from homeward.access.database.database import Database
from homeward.access.errors import ConflictError, NotFoundError
from homeward.access.people.principal import Principal
from homeward.access.review.admission import Admission
from homeward.access.review.entries import entry
from homeward.access.review.folding import CROP_MAX_BYTES
from homeward.access.review.ports import ReviewCase, ReviewCases
from homeward.access.review.tables import PictureRow, SightingRow
from homeward.access.review.verdict import Verdict
from homeward.shared.audit import Audit
from homeward.shared.clock import Clock
from homeward.shared.objectkeys import CROPS_BUCKET, SUBJECTS_BUCKET, InvalidKeyError, PhotoKey
from homeward.shared.objectstore.port import ObjectNotFoundError, ObjectStore
from homewardapi.audit.v1 import audit_pb2

_JPEG: Final = b"\xff\xd8\xff"

Admit = Callable[[Session, Principal, str], tuple[ReviewCase, SightingRow]]


class Pictures:
    """Gives single pictures, of open searches alone. Safe to use from several threads.

    The bytes are read before the last look at the search and the record, so that a search that ends meanwhile shows
    nothing and nothing is recorded that nobody saw.
    """

    def __init__(self, database: Database, cases: ReviewCases, audit: Audit, clock: Clock, store: ObjectStore) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._store = store
        self._admission = Admission(cases, audit)

    def crop(self, principal: Principal, sighting_id: str, number: int) -> bytes:
        """Return one picture of a sighting, a JPEG, for a reviewer of its search.

        Raises NotFoundError, ForbiddenError, ConflictError when the search has ended, ObjectStoreError and
        AuditUnavailableError.
        """
        return self._crop(principal, sighting_id, number, self._as_reviewer)

    def confirmed_crop(self, principal: Principal, sighting_id: str, number: int) -> bytes:
        """Return one picture of a confirmed sighting, for those who asked for the search or decided on it.

        Two reviewers say that it shows the person whose photo they have; nobody else's picture is shown to them.
        Raises as `crop` does.
        """
        return self._crop(principal, sighting_id, number, self._as_official)

    def photo(self, principal: Principal, request_id: str, index: int) -> bytes:
        """Return one reference photo of an open search, a JPEG, for a reviewer of it; `index` counts from 0.

        Raises as `crop` does.
        """
        with self._database.read() as session:
            case = self._opened(self._admission.reviewer(session, principal, request_id))
        key = next((key for key in case.photos if _is_photo(key, request_id, index)), None)
        if key is None:
            raise NotFoundError("photo", "there is no such photo")
        data = self._read(lambda: self._store.get(SUBJECTS_BUCKET, key))
        with self._database.read() as session:
            case = self._opened(self._admission.reviewer(session, principal, request_id))
            self._record(principal, case, None, f"review_{index}")
        return data

    def _crop(self, principal: Principal, sighting_id: str, number: int, admit: Admit) -> bytes:
        with self._database.read() as session:
            _, row = admit(session, principal, sighting_id)
            picture = session.get(PictureRow, (sighting_id, number)) if 0 <= number < 2**31 else None
        if picture is None or row.crops_key is None or picture.length_bytes > CROP_MAX_BYTES:
            raise NotFoundError("picture", "there is no such picture, or it is kept no longer")
        key, offset, length = row.crops_key, picture.offset_bytes, picture.length_bytes
        data = self._read(lambda: self._store.get_range(CROPS_BUCKET, key, offset, length))
        with self._database.read() as session:
            case, row = admit(session, principal, sighting_id)
            self._record(principal, case, row, f"picture_{number}")
        return data

    def _as_reviewer(self, session: Session, principal: Principal, sighting_id: str) -> tuple[ReviewCase, SightingRow]:
        self._admission.check_reviewer(principal)
        row = _found(session, sighting_id)
        case = self._opened(self._admission.reviewer(session, principal, row.request_id))
        return case, _covered(case, row)

    def _as_official(self, session: Session, principal: Principal, sighting_id: str) -> tuple[ReviewCase, SightingRow]:
        row = _found(session, sighting_id)
        case = self._opened(self._admission.official(session, principal, row.request_id))
        if row.verdict != Verdict.CONFIRMED:
            raise NotFoundError("sighting", "there is no such sighting")
        return case, _covered(case, row)

    def _opened(self, case: ReviewCase) -> ReviewCase:
        if not case.open_at(self._clock.now()):
            raise ConflictError("ended", "the search has ended, and shows no pictures")
        return case

    def _read(self, read: Callable[[], bytes]) -> bytes:
        try:
            data = read()
        except ObjectNotFoundError as error:
            raise NotFoundError("picture", "the picture is kept no longer") from error
        if not data.startswith(_JPEG):
            # What an object holds is what somebody wrote: nothing but a picture leaves as one.
            raise NotFoundError("picture", "the picture cannot be read")
        return data

    def _record(self, principal: Principal, case: ReviewCase, row: SightingRow | None, code: str) -> None:
        action = audit_pb2.AUDIT_ACTION_PHOTO_VIEWED if row is None else audit_pb2.AUDIT_ACTION_SIGHTING_VIEWED
        sighting_id = None if row is None else row.sighting_id
        camera_id = None if row is None else row.camera_id
        self._audit.record(entry(action, principal, case, code, sighting_id=sighting_id, camera_id=camera_id))


def _found(session: Session, sighting_id: str) -> SightingRow:
    row = session.get(SightingRow, sighting_id, populate_existing=True)
    if row is None:
        raise NotFoundError("sighting", "there is no such sighting")
    return row


def _covered(case: ReviewCase, row: SightingRow) -> SightingRow:
    if not case.covers(row.camera_id, row.clip_starts_at):
        raise NotFoundError("sighting", "there is no such sighting")
    return row


def _is_photo(key: str, request_id: str, index: int) -> bool:
    try:
        photo = PhotoKey.parse(key)
    except InvalidKeyError:
        return False
    return photo == PhotoKey(request_id, index)
