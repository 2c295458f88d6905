"""The events that tell an authorisation's beginning and end."""

from datetime import datetime

from sqlalchemy.orm import Session

from homeward.access.outbox.outbox import SOURCE, enqueue
from homeward.shared.events import new_event
from homeward.shared.ids import state_event_id
from homeward.shared.instants import to_timestamp
from homeward.shared.topics import AUTHORISATIONS
from homewardapi.authorisation.v1.authorisation_pb2 import Authorisation, AuthorisationState, CloseReason


def opened(session: Session, authorisation_id: str, token: str, now: datetime) -> None:
    """Tell that an authorisation is open by `token`, once the transaction is committed."""
    state = Authorisation(
        authorisation_id=authorisation_id,
        state=AuthorisationState.AUTHORISATION_STATE_OPEN,
        optional_token=token,
        changed_at=to_timestamp(now),
    )
    _tell(session, state, now)


def closed(session: Session, authorisation_id: str, reason: CloseReason.ValueType, at: datetime) -> None:
    """Tell that an authorisation ended at `at`, once the transaction is committed."""
    state = Authorisation(
        authorisation_id=authorisation_id,
        state=AuthorisationState.AUTHORISATION_STATE_CLOSED,
        changed_at=to_timestamp(at),
        optional_close_reason=reason,
    )
    _tell(session, state, at)


def _tell(session: Session, state: Authorisation, at: datetime) -> None:
    event_id = state_event_id("authorisation", state.authorisation_id, at)
    enqueue(session, new_event(AUTHORISATIONS, event_id, SOURCE, at, state))
