"""Opening what was agreed to: photos handed over, token signed, authorisation announced, or footage granted."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from homeward.access.cases import announcing
from homeward.access.cases.lookups import count_searches
from homeward.access.cases.model import RequestState
from homeward.access.cases.photos import Photos
from homeward.access.cases.policy import Policy
from homeward.access.cases.ports import Grants, Signer
from homeward.access.cases.scope import Scope
from homeward.access.cases.tables import CaseRow
from homeward.access.errors import AccessError, ConflictError, ForbiddenError, InvalidError
from homeward.shared.authorisation import Claims, Denial, DenialCode, Purpose, Rank
from homeward.shared.authorisation.policy import Official, Request, decide


class Opener:
    """Opens requests, each within its caller's transaction. Whoever calls it wipes the photos if that fails."""

    def __init__(self, photos: Photos, signer: Signer, grants: Grants, policy: Policy) -> None:
        self._photos = photos
        self._signer = signer
        self._grants = grants
        self._policy = policy

    def open(self, session: Session, case: CaseRow, approvers: Sequence[Official], now: datetime) -> None:
        """Open `case` as its row says, by `approvers`, or on the requester's signature alone where there are none.

        Raises ConflictError, ForbiddenError and InvalidError with the reason, SigningError and ObjectStoreError.
        """
        purpose = Purpose(case.purpose)
        if case.receipt_issued_at > now:
            raise ConflictError("receipt", "nothing begins before the receipt was issued")
        claims = self._decide(session, case, approvers, now)
        if purpose.searches_faces:
            # Before the signature: a token in force must find its photos.
            self._photos.hand_over(session, case.request_id)
            announcing.opened(session, case.request_id, self._signer.sign(session, claims), now)
        else:
            self._grant(session, case, claims, now)
        case.state = (RequestState.OPEN if approvers else RequestState.OPEN_URGENT).value
        case.opened_at = case.opened_at or now
        case.expires_at = claims.expires_at
        case.urgent_deadline = case.urgent_deadline if approvers else claims.expires_at

    def _decide(self, session: Session, case: CaseRow, approvers: Sequence[Official], now: datetime) -> Claims:
        purpose = Purpose(case.purpose)
        scope = in_force(case)
        request = Request(
            case.request_id,
            purpose,
            Official(case.requester_id, Rank(case.requester_rank)),
            scope.camera_ids,
            scope.starts_at,
            scope.window_ends_at(now),
            self._photos.keys(session, case.request_id) if purpose.searches_faces else (),
            scope.lifetime,
            None if approvers else self._policy.of(purpose).urgent_for,
        )
        decision = decide(
            request,
            approvers,
            now=now,
            open_searches=count_searches(session, case.request_id) if purpose.searches_faces else 0,
            search_limit=self._policy.searches_at_once,
        )
        if isinstance(decision, Denial):
            raise _refusal(decision)
        return decision

    def _grant(self, session: Session, case: CaseRow, claims: Claims, now: datetime) -> None:
        """Open the footage of an incident to who asked for it. No token is signed: there is nothing to search with."""
        self._grants.give(
            session,
            request_id=case.request_id,
            official_id=case.requester_id,
            camera_ids=tuple(case.camera_ids),
            starts_at=case.starts_at,
            ends_at=in_force(case).window_ends_at(now),
            until=claims.expires_at,
            unredacted=case.unredacted,
            now=now,
        )


def in_force(case: CaseRow) -> Scope:
    """Return what a request opens as it stands."""
    lifetime = timedelta(seconds=case.lifetime_s)
    return Scope(tuple(case.camera_ids), case.starts_at, case.ends_at, lifetime, case.unredacted)


def asked(case: CaseRow) -> Scope:
    """Return what was asked for."""
    lifetime = timedelta(seconds=case.asked_lifetime_s)
    camera_ids = tuple(case.asked_camera_ids)
    return Scope(camera_ids, case.asked_starts_at, case.asked_ends_at, lifetime, case.asked_unredacted)


def _refusal(denial: Denial) -> AccessError:
    match denial.code:
        case DenialCode.LIVE_SEARCHES:
            return ConflictError(denial.code.value, denial.reason)
        case DenialCode.APPROVAL:
            return ForbiddenError(denial.code.value, denial.reason)
        case _:
            return InvalidError(denial.code.value, denial.reason)
