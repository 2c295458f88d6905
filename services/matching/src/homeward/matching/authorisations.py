"""What this replica knows of the authorisations, and which of them open a face search now."""

import threading
from dataclasses import dataclass, field
from datetime import datetime

from google.protobuf.message import Message

from homeward.shared.authorisation import (
    AuthorisationDeniedError,
    Denial,
    DenialCode,
    SearchFaces,
    VerifiedAuthorisation,
    Verifier,
)
from homeward.shared.instants import from_timestamp
from homewardapi.authorisation.v1.authorisation_pb2 import AUTHORISATION_STATE_OPEN, Authorisation


@dataclass(frozen=True, slots=True)
class Search:
    """An open authorisation whose token was verified."""

    authorisation: VerifiedAuthorisation
    token: str = field(repr=False)

    @property
    def authorisation_id(self) -> str:
        """The authorisation's id."""
        return self.authorisation.authorisation_id

    def alive(self) -> bool:
        """Whether the token opens a face search at this moment."""
        return bool(self.authorisation.decide(SearchFaces()))


@dataclass(frozen=True, slots=True)
class _State:
    """The newest state of one authorisation: closed when there is neither a search nor a denial."""

    changed_at: datetime | None
    search: Search | None = None
    denial: Denial | None = None


_CLOSED = _State(None)


class Authorisations:
    """The states of `homeward.authorisations.v1`, each token verified when it comes and judged anew at every use.

    The table's reader and the planner both tell it what they read, in any order: the newest state counts, and closed
    is final, so that a token put on the topic again after its authorisation was closed opens nothing here. It may be
    used from several threads and never blocks on anything but its own lock.
    """

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier
        self._lock = threading.Lock()
        self._states: dict[str, _State] = {}
        self._halted: set[str] = set()

    def apply(self, authorisation_id: str, message: Message | None) -> None:
        """Take a state, an Authorisation; None, a removal, closes. Raises TypeError for any other message."""
        if not isinstance(message, Authorisation | None):
            raise TypeError("the state is no authorisation")
        state = _CLOSED if message is None else self._read(authorisation_id, message)
        with self._lock:
            known = self._states.get(authorisation_id)
            if known is not None and not _follows(state, known):
                return
            self._states[authorisation_id] = state
            self._halted.discard(authorisation_id)

    def halt(self, authorisation_id: str) -> None:
        """Stop a search until its authorisation changes: it was wiped."""
        with self._lock:
            self._halted.add(authorisation_id)

    def live(self, authorisation_id: str) -> Search | None:
        """Return the search that is open under an authorisation now, by the clock too, or None."""
        with self._lock:
            state = self._states.get(authorisation_id)
            if state is None or state.search is None or authorisation_id in self._halted:
                return None
        return state.search if state.search.alive() else None

    def all_live(self) -> list[Search]:
        """Return every search that is open now."""
        with self._lock:
            known = list(self._states)
        return [search for search in map(self.live, known) if search is not None]

    def denial(self, authorisation_id: str) -> Denial | None:
        """Return why an authorisation that calls itself open opens no face search; None when it does, or is closed.

        An authorisation for another purpose asks for no search, and so none is denied to it.
        """
        with self._lock:
            state = self._states.get(authorisation_id)
        if state is None or state.search is None:
            return None if state is None else state.denial
        decision = state.search.authorisation.decide(SearchFaces())
        return decision if isinstance(decision, Denial) and state.search.authorisation.photo_keys else None

    def knows(self, authorisation_id: str) -> bool:
        """Return whether any state of an authorisation was read, or it was halted."""
        with self._lock:
            return authorisation_id in self._states or authorisation_id in self._halted

    def ended(self, authorisation_id: str) -> bool:
        """Return whether an authorisation was closed or its subject wiped: nothing newer on its way would open it."""
        with self._lock:
            return authorisation_id in self._halted or self._states.get(authorisation_id) == _CLOSED

    def _read(self, authorisation_id: str, message: Authorisation) -> _State:
        if message.state != AUTHORISATION_STATE_OPEN:
            return _CLOSED
        changed_at = from_timestamp(message.changed_at)
        try:
            authorisation = self._verifier.verify(message.optional_token)
        except AuthorisationDeniedError as error:
            return _State(changed_at, denial=error.denial)
        if authorisation.authorisation_id != authorisation_id:
            denial = Denial(DenialCode.BAD_CLAIM, "the token is another authorisation's")
            return _State(changed_at, denial=denial)
        return _State(changed_at, Search(authorisation, message.optional_token))


def _follows(state: _State, known: _State) -> bool:
    if known.changed_at is None or state.changed_at is None:
        return known.changed_at is not None
    if state.changed_at == known.changed_at:
        # The same state read twice must not undo a halt; a denial is read again, since "not yet valid" passes.
        return known.denial is not None
    return state.changed_at > known.changed_at
