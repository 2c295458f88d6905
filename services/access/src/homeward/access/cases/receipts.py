"""Receipts: with theirs, whoever a request serves sees how it stands and ends it, without signing in."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from homeward.access.cases import holds
from homeward.access.cases.ending import Ended, Ender
from homeward.access.cases.ground import Ground
from homeward.access.cases.model import ReceiptView, RequestState
from homeward.access.cases.secrets import opens, read_reference
from homeward.access.cases.tables import CaseRow, HoldRow
from homeward.access.errors import ConflictError, NotFoundError
from homeward.access.people.rates import RateLimiter
from homeward.shared.audit import ANONYMOUS, RECEIPT_HOLDER, Entry
from homeward.shared.authorisation import Purpose
from homewardapi.audit.v1 import audit_pb2


class Receipts:
    """What a receipt opens. `client` tells callers apart for the rate limit, such as by their address."""

    def __init__(self, ground: Ground, ender: Ender, limiter: RateLimiter) -> None:
        self._ground = ground
        self._ender = ender
        self._limiter = limiter

    def look(self, reference: str, secret: str, client: str = "") -> ReceiptView:
        """Return how a request stands; raise NotFoundError for a wrong receipt, and TooManyError."""
        self._limiter.check(client)
        with self._ground.database.read() as session:
            case = self._find(session, reference, secret, lock=False)
            view = _view(case, holds.of_request(session, case.request_id))
        self._ground.audit.record(
            Entry(audit_pb2.AUDIT_ACTION_RECEIPT_VIEWED, RECEIPT_HOLDER, request_id=case.request_id)
        )
        return view

    def withdraw(self, reference: str, secret: str, client: str = "") -> None:
        """End a request at once, and whatever is kept for it.

        Raises NotFoundError for a wrong receipt, ConflictError when there is nothing left to end, and TooManyError.
        """
        self._limiter.check(client)
        now = self._ground.clock.now()
        ended: Ended | None = None
        with self._ground.database.begin() as session:
            case = self._find(session, reference, secret, lock=True)
            hold = holds.of_request(session, case.request_id)
            if not RequestState(case.state).ended:
                ended = self._ender.end(session, case, RequestState.WITHDRAWN, RECEIPT_HOLDER, now)
                entries = ended.entries
            elif hold is not None and holds.release(session, hold, now):
                entries = (holds.released(hold, RECEIPT_HOLDER, RequestState.WITHDRAWN.value),)
            else:
                raise ConflictError("ended", "the request has ended already")
            session.flush()
            self._ground.audit.record(*entries)
        if ended is not None:
            self._ender.finish(ended)

    def _find(self, session: Session, reference: str, secret: str, *, lock: bool) -> CaseRow:
        chosen = select(CaseRow).where(CaseRow.reference == read_reference(reference))
        case = session.scalars(chosen.with_for_update() if lock else chosen).one_or_none()
        if not opens(secret, None if case is None else case.secret_hash) or case is None:
            self._ground.audit.record(
                Entry(
                    audit_pb2.AUDIT_ACTION_RECEIPT_VIEWED,
                    ANONYMOUS,
                    audit_pb2.AUDIT_OUTCOME_DENIED,
                    request_id=None if case is None else case.request_id,
                    code="receipt",
                )
            )
            raise NotFoundError("receipt", "there is no such receipt; compare both lines with the paper")
        return case


def _view(case: CaseRow, hold: HoldRow | None) -> ReceiptView:
    state = RequestState(case.state)
    held = hold is not None and hold.released_at is None
    return ReceiptView(
        reference=case.reference,
        purpose=Purpose(case.purpose),
        state=state,
        submitted_at=case.submitted_at,
        expires_at=case.expires_at,
        ended_at=case.ended_at,
        due_at=case.due_at,
        cameras=len(case.camera_ids),
        starts_at=case.starts_at,
        ends_at=case.ends_at,
        held_until=hold.expires_at if hold is not None and held else None,
        may_withdraw=not state.ended or held,
    )
