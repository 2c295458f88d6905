"""Asking: a request is checked, kept, and answered with a receipt."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from secrets import token_bytes
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from homeward.access.cases import holds
from homeward.access.cases.documents import request_digest, write_details
from homeward.access.cases.forms import check_form, scope_of
from homeward.access.cases.ground import Ground
from homeward.access.cases.model import Asked, PhotoUpload, RequestForm, RequestState
from homeward.access.cases.photos import Photos
from homeward.access.cases.ports import Cameras
from homeward.access.cases.refusals import Refusals
from homeward.access.cases.repeats import request_id_of
from homeward.access.cases.scope import Scope
from homeward.access.cases.secrets import Receipt, new_receipt
from homeward.access.cases.tables import CaseRow, PhotoRow
from homeward.access.cases.texts import clean
from homeward.access.errors import AlreadySentError, InvalidError
from homeward.access.people.principal import Principal, Role
from homeward.access.sentence import Sentence
from homeward.shared.audit import Entry
from homeward.shared.authorisation import Purpose
from homewardapi.audit.v1 import audit_pb2

_SALT_BYTES = 16


class Asker:
    """Takes requests. Nothing is searched by asking, whatever is asked."""

    def __init__(self, ground: Ground, photos: Photos, cameras: Cameras) -> None:
        self._ground = ground
        self._photos = photos
        self._cameras = cameras
        self._refusals = Refusals(ground.audit)

    def ask(
        self, principal: Principal, form: RequestForm, photos: Sequence[PhotoUpload], once: UUID | None = None
    ) -> Asked:
        """Keep what `principal` asks for, and return its receipt, the secret of which is kept nowhere.

        Raises AlreadySentError when the same form came before with the same `once`.
        """
        self._refusals.require(principal, Role.REQUESTER)
        request_id = request_id_of(principal, form, photos, once)
        if once is not None:
            self._require_new(request_id)
        form = check_form(form, photos, self._ground.policy, self._ground.clock.now())
        unknown = self._cameras.unknown(form.camera_ids)
        if unknown:
            raise InvalidError(
                "unknown_camera",
                Sentence("{number} of the cameras do not exist", {"number": len(unknown)}),
                "camera_ids",
            )
        pictures = self._photos.normalise(photos)
        now = self._ground.clock.now()
        receipt, scope = new_receipt(), scope_of(form)
        with self._ground.database.begin() as session:
            case = self._case(principal, form, receipt, pictures, request_id=request_id, now=now)
            session.add(case)
            try:
                session.flush()
            except IntegrityError as error:
                # Its twin came at the same moment. The driver's text repeats values.
                raise AlreadySentError(request_id) from error.with_traceback(None)
            for position, (photo, picture) in enumerate(zip(photos, pictures, strict=True)):
                session.add(
                    PhotoRow(
                        request_id=case.request_id,
                        position=position,
                        source=clean(photo.source, "source", least=1, most=len(photo.source)),
                        taken_on=photo.taken_on,
                        data=picture,
                    )
                )
            entries = [
                self._entry(principal, case, audit_pb2.AUDIT_ACTION_REQUEST_SUBMITTED),
                self._entry(principal, case, audit_pb2.AUDIT_ACTION_RECEIPT_ISSUED),
                *self._hold(session, principal, case, scope, now),
            ]
            session.flush()
            self._ground.audit.record(*entries)
        return Asked(case.request_id, receipt.reference, receipt.secret)

    def _require_new(self, request_id: str) -> None:
        with self._ground.database.read() as session:
            if session.get(CaseRow, request_id) is not None:
                raise AlreadySentError(request_id)

    def _case(
        self,
        principal: Principal,
        form: RequestForm,
        receipt: Receipt,
        pictures: Sequence[bytes],
        *,
        request_id: str,
        now: datetime,
    ) -> CaseRow:
        scope = scope_of(form)
        salt = token_bytes(_SALT_BYTES)
        needed = self._ground.policy.needed_rank(
            form.purpose, len(scope.camera_ids), scope.span(now), unredacted=scope.unredacted
        )
        decide_by = now + self._ground.policy.of(form.purpose).decide_within
        is_subject_access = form.purpose is Purpose.SUBJECT_ACCESS
        due_at = now + timedelta(days=self._ground.policy.subject_access.due_days) if is_subject_access else None
        camera_ids, lifetime_s = list(scope.camera_ids), int(scope.lifetime.total_seconds())
        return CaseRow(
            request_id=request_id,
            reference=receipt.reference,
            secret_hash=receipt.secret_hash,
            receipt_issued_at=now,
            purpose=form.purpose.value,
            state=RequestState.SUBMITTED.value,
            urgent=form.urgent,
            requester_id=principal.official_id,
            requester_rank=principal.rank.value,
            needed_rank=needed.value,
            case_reference=form.case_reference,
            reason=form.reason,
            details=write_details(form.purpose, form.details),
            salt=salt,
            digest=request_digest(request_id, principal.official_id, form, pictures, salt),
            asked_camera_ids=camera_ids,
            asked_starts_at=scope.starts_at,
            asked_ends_at=scope.ends_at,
            asked_lifetime_s=lifetime_s,
            asked_unredacted=scope.unredacted,
            camera_ids=camera_ids,
            starts_at=scope.starts_at,
            ends_at=scope.ends_at,
            lifetime_s=lifetime_s,
            unredacted=scope.unredacted,
            submitted_at=now,
            decide_by=decide_by,
            expires_at=decide_by,
            due_at=due_at,
        )

    def _hold(self, session: Session, principal: Principal, case: CaseRow, scope: Scope, now: datetime) -> list[Entry]:
        if case.purpose != Purpose.SUBJECT_ACCESS.value:
            return []
        hold = holds.place(session, case.request_id, scope, now, self._ground.policy.subject_access)
        return [
            Entry(
                audit_pb2.AUDIT_ACTION_HOLD_PLACED,
                principal.official_id,
                request_id=case.request_id,
                hold_id=hold.hold_id,
            )
        ]

    def _entry(self, principal: Principal, case: CaseRow, action: audit_pb2.AuditAction.ValueType) -> Entry:
        return Entry(
            action, principal.official_id, request_id=case.request_id, purpose=case.purpose, digest=case.digest
        )
