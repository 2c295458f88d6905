"""What holds of every request, whatever people do and whenever things are away."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select

from homeward.access.cases.model import Approval, Asked, RequestForm, RequestState
from homeward.access.cases.tables import CaseRow
from homeward.access.errors import AccessError
from homeward.access.people.principal import Principal, Role
from homeward.shared.audit import AuditUnavailableError
from homeward.shared.authorisation import Purpose, SearchFaces
from homeward.shared.authorisation.caveats import ApprovalsCaveat, CamerasCaveat
from homeward.shared.authorisation.decisions import AuthorisationDeniedError
from homeward.shared.authorisation.ranks import APPROVER_RANK, Rank
from homewardapi.audit.v1 import audit_pb2
from homewardapi.authorisation.v1.authorisation_pb2 import AuthorisationState
from support.access_cases import (
    AUDITOR,
    COMMANDER,
    OFFICER,
    REASON,
    REVIEWER,
    SUPERVISOR,
    CasesWorld,
    incident,
    limited,
    missing,
    own_footage,
    photo,
)

LIMIT = 2
PEOPLE = (OFFICER, SUPERVISOR, COMMANDER, REVIEWER, AUDITOR)
RANKS = {who.official_id: who.rank for who in PEOPLE}
FORMS: tuple[Callable[[datetime], RequestForm], ...] = (
    missing,
    lambda now: missing(now, urgent=True),
    lambda now: missing(now, cameras=[f"camera-{number}" for number in range(60)]),
    own_footage,
    incident,
    lambda now: incident(now, unredacted=True),
)
TRIED = (AccessError, AuditUnavailableError)
people = st.sampled_from(PEOPLE)


class Requests(RuleBasedStateMachine):
    """Anybody does anything at any time."""

    made = Bundle("made")

    @initialize()
    def begin(self) -> None:
        self.world = CasesWorld(rules=limited(LIMIT))
        self.asked: dict[str, tuple[Principal, Asked]] = {}

    @rule(target=made, who=people, form=st.sampled_from(FORMS))
    def ask(self, who: Principal, form: Callable[[datetime], RequestForm]) -> str:
        wanted = form(self.world.clock.now())
        photos = [photo()] if wanted.purpose.searches_faces else []
        try:
            asked = self.world.cases.ask(who, wanted, photos)
        except TRIED:
            return ""
        assert who.has(Role.REQUESTER)
        self.asked[asked.request_id] = (who, asked)
        return asked.request_id

    @rule(request_id=made, who=people)
    def start(self, request_id: str, who: Principal) -> None:
        self._try(lambda: self.world.cases.start(who, request_id))

    @rule(request_id=made, who=people, cameras=st.sampled_from([None, ("gate",), ("camera-1",)]))
    def approve(self, request_id: str, who: Principal, cameras: tuple[str, ...] | None) -> None:
        self._try(lambda: self.world.cases.approve(who, request_id, Approval(REASON, cameras)))

    @rule(request_id=made, who=people)
    def refuse(self, request_id: str, who: Principal) -> None:
        self._try(lambda: self.world.cases.refuse(who, request_id, REASON))

    @rule(request_id=made, who=people)
    def stop(self, request_id: str, who: Principal) -> None:
        self._try(lambda: self.world.cases.stop(who, request_id, "stop"))

    @rule(request_id=made)
    def withdraw(self, request_id: str) -> None:
        if request_id in self.asked:
            _, asked = self.asked[request_id]
            self._try(lambda: self.world.receipts.withdraw(asked.reference, asked.secret))

    @rule(minutes=st.sampled_from([1, 30, 61, 60 * 25, 60 * 73]))
    def wait(self, minutes: int) -> None:
        self.world.clock.move(timedelta(minutes=minutes))
        self._try(lambda: self.world.cases.expire(self.world.clock.now()))

    @rule(away=st.booleans())
    def audit_log(self, away: bool) -> None:
        self.world.audit.away = away

    @rule(away=st.booleans())
    def matching(self, away: bool) -> None:
        self.world.searches.away = away

    def _try(self, act: Callable[[], object]) -> None:
        with suppress(*TRIED):
            act()

    def _open(self) -> dict[str, str]:
        """Return the token of each authorisation that is open by its events and verifies now."""
        tokens: dict[str, str] = {}
        for state in self.world.authorisations():
            if state.state == AuthorisationState.AUTHORISATION_STATE_OPEN:
                tokens[state.authorisation_id] = state.optional_token
            else:
                tokens.pop(state.authorisation_id, None)
        verified = {}
        for name, token in tokens.items():
            try:
                self.world.signer.verifier.verify(token)
            except AuthorisationDeniedError:
                continue
            verified[name] = token
        return verified

    @invariant()
    def two_people_agreed(self) -> None:
        for name, token in self._open().items():
            who, _ = self.asked[name]
            claims = self.world.signer.verifier.verify(token).claims
            assert claims.requester == who.official_id
            if self.world.signer.verifier.verify(token).urgent:
                assert claims.purpose is Purpose.MISSING_PERSON
                assert claims.expires_at - claims.issued_at <= timedelta(hours=1)
                continue
            (approval,) = claims.caveat(ApprovalsCaveat).approvals
            assert approval.official_id != who.official_id
            assert RANKS[approval.official_id] is approval.rank
            assert approval.rank.reaches(APPROVER_RANK[claims.purpose])
            cameras = claims.caveat(CamerasCaveat).camera_ids
            assert len(cameras) <= 50 or approval.rank is Rank.COMMANDER

    @invariant()
    def never_too_many_at_once(self) -> None:
        assert len(self._open()) <= LIMIT

    @invariant()
    def an_incident_opens_no_search(self) -> None:
        for claims in self.world.signer.signed:
            assert claims.purpose is not Purpose.INCIDENT
        for token in self._open().values():
            assert self.world.signer.verifier.verify(token).decide(SearchFaces())

    @invariant()
    def photos_are_those_of_what_runs(self) -> None:
        owners = {key.partition("/")[0] for key in self.world.photos()}
        running = {name for name in self.asked if self._state(name).runs}
        assert owners <= running
        assert self._open().keys() <= running

    @invariant()
    def every_token_was_recorded_after_its_receipt(self) -> None:
        order = [(entry.action, entry.request_id) for entry in self.world.audit.entries]
        begun = {
            audit_pb2.AUDIT_ACTION_REQUEST_STARTED,
            audit_pb2.AUDIT_ACTION_REQUEST_APPROVED,
            audit_pb2.AUDIT_ACTION_REQUEST_NARROWED,
        }
        for name in self._open():
            receipt = order.index((audit_pb2.AUDIT_ACTION_RECEIPT_ISSUED, name))
            assert any(action in begun and request == name for action, request in order[receipt:])

    @invariant()
    def nothing_is_open_without_an_end(self) -> None:
        with self.world.database.read() as session:
            for case in session.scalars(select(CaseRow)):
                assert (case.expires_at is None) is RequestState(case.state).ended
                if case.expires_at is not None and RequestState(case.state).runs:
                    assert case.expires_at - case.submitted_at <= timedelta(hours=72 + 720)

    def _state(self, request_id: str) -> RequestState:
        with self.world.database.read() as session:
            case = session.get(CaseRow, request_id)
            assert case is not None
            return RequestState(case.state)


TestRequests = Requests.TestCase
TestRequests.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
