"""Ending a request, however it ends: the search stops, photos and templates are wiped, grants are taken back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from homeward.access.cases import announcing, holds
from homeward.access.cases.model import RequestState
from homeward.access.cases.photos import Photos
from homeward.access.cases.policy import Policy
from homeward.access.cases.ports import Grants, Searches, Tallies
from homeward.access.cases.tables import CaseRow
from homeward.access.outbox.outbox import SOURCE
from homeward.shared.audit import DELETION_DUE, PHOTOS, Entry, deletion_code
from homeward.shared.authorisation import Purpose
from homewardapi.audit.v1 import audit_pb2
from homewardapi.audit.v1.audit_pb2 import AuditAction
from homewardapi.authorisation.v1.authorisation_pb2 import CloseReason


@dataclass(frozen=True, slots=True)
class _Kind:
    action: AuditAction.ValueType
    close_reason: CloseReason.ValueType


_KINDS: Final = {
    RequestState.REFUSED: _Kind(audit_pb2.AUDIT_ACTION_REQUEST_REFUSED, CloseReason.CLOSE_REASON_STOPPED),
    RequestState.STOPPED: _Kind(audit_pb2.AUDIT_ACTION_REQUEST_STOPPED, CloseReason.CLOSE_REASON_STOPPED),
    RequestState.CLOSED: _Kind(audit_pb2.AUDIT_ACTION_REQUEST_STOPPED, CloseReason.CLOSE_REASON_FOUND),
    RequestState.WITHDRAWN: _Kind(audit_pb2.AUDIT_ACTION_REQUEST_WITHDRAWN, CloseReason.CLOSE_REASON_WITHDRAWN),
    RequestState.EXPIRED: _Kind(audit_pb2.AUDIT_ACTION_REQUEST_EXPIRED, CloseReason.CLOSE_REASON_EXPIRED),
}


@dataclass(frozen=True, slots=True)
class Ended:
    """A request that ends with the caller's transaction: what to record before, and what to stop after."""

    request_id: str
    ran: bool
    entries: tuple[Entry, ...]


class Ender:
    """Ends requests: `end` within the caller's transaction, `finish` once that is committed."""

    def __init__(self, photos: Photos, searches: Searches, grants: Grants, tallies: Tallies, policy: Policy) -> None:
        self._photos = photos
        self._searches = searches
        self._grants = grants
        self._tallies = tallies
        self._policy = policy

    def end(
        self, session: Session, case: CaseRow, state: RequestState, actor_id: str, at: datetime, *, code: str = ""
    ) -> Ended:
        """Enter the state of an end. The caller records its entries as the last thing before the commit."""
        kind, purpose, ran = _KINDS[state], Purpose(case.purpose), RequestState(case.state).runs
        entries = [
            Entry(
                kind.action,
                actor_id,
                request_id=case.request_id,
                authorisation_id=case.request_id if ran and purpose.searches_faces else None,
                purpose=purpose.value,
                code=code or state.value,
                digest=case.digest,
            )
        ]
        if ran and purpose.searches_faces:
            announcing.closed(session, case.request_id, kind.close_reason, at)
            entries.append(self._search_ended(session, case))
        if not purpose.searches_faces:
            self._grants.end(session, case.request_id, at)
        entries += self._photos_deleted(session, case, ran=ran)
        self._photos.forget(session, case.request_id)
        entries += self._release(session, case, state, actor_id, at)
        case.state, case.ended_at, case.expires_at = state.value, at, None
        case.texts_until = at + timedelta(days=self._policy.records.texts_after_end_days)
        return Ended(case.request_id, ran and purpose.searches_faces, tuple(entries))

    def finish(self, ended: Ended) -> None:
        """Stop the search and wipe the photos now. Raises nothing: the event of the end has others do the same."""
        if ended.ran:
            self._searches.stop(ended.request_id)
            self._photos.wipe(ended.request_id)

    def _photos_deleted(self, session: Session, case: CaseRow, *, ran: bool) -> list[Entry]:
        count = len(self._photos.keys(session, case.request_id))
        if not count:
            return []
        return [
            Entry(
                audit_pb2.AUDIT_ACTION_DELETED,
                SOURCE,
                request_id=case.request_id,
                authorisation_id=case.request_id if ran else None,
                purpose=case.purpose,
                code=deletion_code(PHOTOS, DELETION_DUE),
                objects=count,
            )
        ]

    def _search_ended(self, session: Session, case: CaseRow) -> Entry:
        tally = self._tallies.of(session, case.request_id)
        return Entry(
            audit_pb2.AUDIT_ACTION_SEARCH_ENDED,
            SOURCE,
            request_id=case.request_id,
            authorisation_id=case.request_id,
            purpose=case.purpose,
            faces_compared=None if tally is None else tally.faces_compared,
            camera_seconds=None if tally is None else tally.camera_seconds,
            candidates=None if tally is None else tally.candidates,
        )

    def _release(
        self, session: Session, case: CaseRow, state: RequestState, actor_id: str, at: datetime
    ) -> list[Entry]:
        hold = holds.of_request(session, case.request_id)
        if hold is None:
            return []
        if state is RequestState.WITHDRAWN and holds.release(session, hold, at):
            return [holds.released(hold, actor_id, state.value)]
        if state is RequestState.REFUSED:
            # Who was refused may complain, and what they complain about must still be there.
            kept = timedelta(days=self._policy.subject_access.hold_after_refusal_days)
            holds.shorten(session, hold, at + kept, at)
        # Whoever else ends it takes nothing from the person who asked: the hold ends by itself.
        return []
