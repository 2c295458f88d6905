"""Authorising a search with the two demo identities: ask, approve, store the photos, sign, announce."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import uuid4

from homeward.cli.identities import DemoIdentities, canonical
from homeward.shared.authorisation import Claims, Purpose, Verifier, issue
from homeward.shared.authorisation.caveats import ApprovalsCaveat, CamerasCaveat, SubjectCaveat, WindowCaveat
from homeward.shared.authorisation.ceilings import LIFETIME_MAX, URGENT_DEFAULT
from homeward.shared.authorisation.decisions import AuthorisationDeniedError, Denial
from homeward.shared.authorisation.keys import KeySet
from homeward.shared.authorisation.policy import Official, Request, decide
from homeward.shared.clock import Clock
from homeward.shared.events import Event, new_event
from homeward.shared.ids import state_event_id
from homeward.shared.instants import to_timestamp
from homeward.shared.objectkeys import SUBJECTS_BUCKET, photo_key
from homeward.shared.objectstore.port import ObjectStore, ObjectStoreError
from homeward.shared.topics import AUTHORISATIONS
from homeward.shared.vision.photo import normalise_photo
from homewardapi.authorisation.v1.authorisation_pb2 import Authorisation, AuthorisationState, CloseReason

SOURCE: Final = "homeward/demo-authority"


class UnknownAuthorisationError(Exception):
    """There is no such authorisation, or it is no longer open; it names the authorisation."""


class Events(Protocol):
    """Where events go."""

    def send(self, events: Sequence[Event]) -> None:
        """Return when every event is delivered; raise the runtime's DeliveryError otherwise."""
        ...


States = Callable[[], Mapping[str, Authorisation]]
"""Reads the present state of every authorisation, by id."""


@dataclass(frozen=True, slots=True)
class Issued:
    """An authorisation as it was announced. `urgent` is True while one signature alone carries it."""

    authorisation_id: str
    token: str
    expires_at: datetime
    urgent: bool


class DemoAuthority:
    """What the access service does, for the two demo identities: the same policy, the same tokens."""

    def __init__(
        self, identities: DemoIdentities, store: ObjectStore, events: Events, states: States, clock: Clock
    ) -> None:
        self._identities = identities
        self._store = store
        self._events = events
        self._states = states
        self._clock = clock
        self._verifier = Verifier(KeySet.of([identities.authority.public_key]), clock)

    def authorise(
        self,
        photos: Sequence[bytes],
        *,
        camera_ids: Sequence[str],
        starts_at: datetime,
        ends_at: datetime,
        purpose: Purpose = Purpose.MISSING_PERSON,
        lifetime: timedelta = LIFETIME_MAX,
        urgent: bool = False,
        urgent_for: timedelta = URGENT_DEFAULT,
    ) -> Issued:
        """Search for the one person in `photos` (JPEG or PNG) on `camera_ids`, in footage of [starts_at, ends_at).

        The demo officer asks and the demo approver approves, unless `urgent`: then nobody approves until `confirm`,
        and the search ends after `urgent_for`. An `ends_at` after the authorisation's own end is brought back to it.

        Raises AuthorisationDeniedError with the policy's reason, PhotoError, ObjectStoreError and DeliveryError;
        then nothing is open and no photo is kept.
        """
        authorisation_id = str(uuid4())
        keys = tuple(photo_key(authorisation_id, index) for index in range(len(photos)))
        request = Request(
            authorisation_id,
            purpose,
            self._identities.officer.official,
            tuple(camera_ids),
            starts_at,
            ends_at,
            keys,
            lifetime,
            urgent_for if urgent else None,
        )
        # Decided before anything is decoded or stored: what is denied leaves nothing behind.
        claims = self._decide(request, approved=not urgent)
        stored = [normalise_photo(photo, position) for position, photo in enumerate(photos, start=1)]
        try:
            for key, photo in zip(keys, stored, strict=True):
                self._store.put(SUBJECTS_BUCKET, key, photo, content_type="image/jpeg")
            return self._open(claims)
        except BaseException:
            # Should this fail too, retention wipes photos that no authorisation names.
            with suppress(ObjectStoreError):
                self._store.delete_many(SUBJECTS_BUCKET, keys)
            raise

    def confirm(self, authorisation_id: str, *, lifetime: timedelta = LIFETIME_MAX) -> Issued:
        """Give an urgent search its second signature: it then lasts for `lifetime` from now.

        Raises UnknownAuthorisationError, AuthorisationDeniedError and DeliveryError.
        """
        claims = self._open_claims(authorisation_id)
        if any(isinstance(caveat, ApprovalsCaveat) for caveat in claims.caveats):
            raise UnknownAuthorisationError(f"{authorisation_id} has its second signature already")
        window = claims.caveat(WindowCaveat)
        request = Request(
            authorisation_id,
            claims.purpose,
            self._identities.officer.official,
            claims.caveat(CamerasCaveat).camera_ids,
            window.starts_at,
            # Where the one signature cut the window short, it now reaches to the new end.
            self._clock.now() + lifetime if window.ends_at == claims.expires_at else window.ends_at,
            claims.caveat(SubjectCaveat).photo_keys,
            lifetime,
        )
        return self._open(self._decide(request, approved=True))

    def stop(self, authorisation_id: str, reason: CloseReason.ValueType = CloseReason.CLOSE_REASON_STOPPED) -> None:
        """End an authorisation now: its search stops, and retention wipes photos and templates.

        Raises UnknownAuthorisationError and DeliveryError.
        """
        if authorisation_id not in self._states():
            raise UnknownAuthorisationError(f"there is no authorisation {authorisation_id}")
        now = self._clock.now()
        state = Authorisation(
            authorisation_id=authorisation_id,
            state=AuthorisationState.AUTHORISATION_STATE_CLOSED,
            changed_at=to_timestamp(now),
            optional_close_reason=reason,
        )
        self._publish(state, now)

    def _decide(self, request: Request, *, approved: bool) -> Claims:
        document = canonical(
            {
                "authorisation_id": request.authorisation_id,
                "purpose": request.purpose.value,
                "requester": request.requester.official_id,
                "camera_ids": request.camera_ids,
                "window": [request.window_starts_at.isoformat(), request.window_ends_at.isoformat()],
                "photo_keys": request.photo_keys,
                "lifetime_s": request.lifetime.total_seconds(),
            }
        )
        signed_by = [self._identities.officer, *([self._identities.approver] if approved else [])]
        # Both sign the same text, and each signature is checked by its own key: a stand-in for two people signing in.
        signers: list[Official] = [
            self._identities.signer(one.official.official_id, document, one.sign(document)) for one in signed_by
        ]
        decision = decide(
            request,
            signers[1:],
            now=self._clock.now(),
            open_searches=len(self._open_ids() - {request.authorisation_id}),
        )
        if isinstance(decision, Denial):
            raise AuthorisationDeniedError(decision)
        return decision

    def _open(self, claims: Claims) -> Issued:
        token = issue(claims, self._identities.authority)
        verified = self._verifier.verify(token)
        now = self._clock.now()
        state = Authorisation(
            authorisation_id=claims.authorisation_id,
            state=AuthorisationState.AUTHORISATION_STATE_OPEN,
            optional_token=token,
            changed_at=to_timestamp(now),
        )
        self._publish(state, now)
        return Issued(claims.authorisation_id, token, claims.expires_at, verified.urgent)

    def _publish(self, state: Authorisation, now: datetime) -> None:
        event_id = state_event_id("authorisation", state.authorisation_id, now)
        self._events.send([new_event(AUTHORISATIONS, event_id, SOURCE, now, state)])

    def _open_claims(self, authorisation_id: str) -> Claims:
        state = self._states().get(authorisation_id)
        if state is None or state.state != AuthorisationState.AUTHORISATION_STATE_OPEN:
            raise UnknownAuthorisationError(f"there is no open authorisation {authorisation_id}")
        return self._verifier.verify(state.optional_token).claims

    def _open_ids(self) -> set[str]:
        found = set()
        for authorisation_id, state in self._states().items():
            if state.state != AuthorisationState.AUTHORISATION_STATE_OPEN:
                continue
            try:
                self._verifier.verify(state.optional_token)
            except AuthorisationDeniedError:
                continue
            found.add(authorisation_id)
        return found
