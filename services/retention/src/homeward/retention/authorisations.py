"""The authorisations, kept up to date from their topic: which are open, and which have ended and how."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from google.protobuf.message import Message

from homeward.shared.authorisation import AuthorisationDeniedError, Claims, Verifier
from homeward.shared.instants import from_timestamp
from homeward.shared.telemetry.logging import get_logger
from homewardapi.authorisation.v1.authorisation_pb2 import Authorisation, AuthorisationState, CloseReason

_log = get_logger()


class Ending(Enum):
    """How an authorisation ended."""

    CLOSED = "closed"
    """Somebody closed it."""
    EXPIRED = "expired"
    """It ran out, and its topic says so."""
    RUN_OUT = "run out"
    """It ran out, and its topic says that it is open still."""
    REMOVED = "removed"
    """Its topic no longer knows it."""


@dataclass(frozen=True, slots=True)
class Ended:
    """An authorisation that has ended: at `since`, or nobody knows when."""

    authorisation_id: str
    ending: Ending
    since: datetime | None


@dataclass(frozen=True, slots=True)
class _Open:
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _Unverified:
    """A state whose token does not verify.

    It keeps nothing, and it wipes nothing at once: should the keys of this service be out of date, the grace of a
    start leaves time to mend them.
    """


_State = _Open | _Unverified | Ended


class AuthorisationTable:
    """Every authorisation, by id. The table's reader writes, the handler reads: safe from several threads."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier
        self._lock = threading.Lock()
        self._states: dict[str, _State] = {}

    def apply(self, authorisation_id: str, message: Message | None) -> None:
        """Take one state of the topic homeward.authorisations.v1, None where it was removed."""
        state = self._read(authorisation_id, message)
        with self._lock:
            before = self._states.get(authorisation_id)
            if isinstance(before, Ended) and isinstance(state, _Open) and _is_replay(before, state):
                # Who puts the token of a closed authorisation back on the topic does not open it again.
                _log.warning("closed authorisation announced as open", authorisation_id=authorisation_id)
                return
            self._states[authorisation_id] = state

    def ended(self, now: datetime) -> Sequence[Ended]:
        """Return every authorisation that has ended by `now`, in the order of ids."""
        with self._lock:
            states = sorted(self._states.items())
        found = []
        for authorisation_id, state in states:
            if isinstance(state, Ended):
                found.append(state)
            elif isinstance(state, _Open) and now >= state.expires_at:
                found.append(Ended(authorisation_id, Ending.RUN_OUT, state.expires_at))
        return found

    def open_ids(self, now: datetime) -> frozenset[str]:
        """Return the ids of the authorisations that are in force at `now`, by a token that verifies."""
        with self._lock:
            return frozenset(
                name for name, state in self._states.items() if isinstance(state, _Open) and now < state.expires_at
            )

    def unverified_ids(self) -> frozenset[str]:
        """Return the ids of those that are said to be open, by a token that does not verify."""
        with self._lock:
            return frozenset(name for name, state in self._states.items() if isinstance(state, _Unverified))

    def _read(self, authorisation_id: str, message: Message | None) -> _State:
        if not isinstance(message, Authorisation):
            return Ended(authorisation_id, Ending.REMOVED, None)
        if message.state != AuthorisationState.AUTHORISATION_STATE_OPEN:
            expired = message.optional_close_reason == CloseReason.CLOSE_REASON_EXPIRED
            ending = Ending.EXPIRED if expired else Ending.CLOSED
            return Ended(authorisation_id, ending, from_timestamp(message.changed_at))
        claims = self._claims(authorisation_id, message.optional_token)
        return _Unverified() if claims is None else _Open(claims.issued_at, claims.expires_at)

    def _claims(self, authorisation_id: str, token: str) -> Claims | None:
        try:
            claims = self._verifier.read(token)
        except AuthorisationDeniedError as error:
            _log.warning(
                "authorisation does not verify",
                authorisation_id=authorisation_id,
                code=error.denial.code.value,
            )
            return None
        return claims if claims.authorisation_id == authorisation_id else None


def _is_replay(before: Ended, state: _Open) -> bool:
    return before.since is None or state.issued_at <= before.since
