"""From the asking to the end: two people, one receipt, and nothing left."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from homeward.access.cases.model import Action, Approval, DecisionKind, RequestFilter, RequestState
from homeward.access.cases.policy_log import enter_into_force
from homeward.access.cases.ports import SigningError
from homeward.access.cases.tables import CaseRow
from homeward.access.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from homeward.access.people.principal import Principal, Role
from homeward.shared.audit import AuditUnavailableError
from homeward.shared.authorisation import Purpose, Rank, SearchFaces
from homeward.shared.authorisation.caveats import ApprovalsCaveat, RequesterCaveat
from homewardapi.audit.v1 import audit_pb2
from homewardapi.authorisation.v1.authorisation_pb2 import AuthorisationState, CloseReason
from support.access_cases import (
    AUDITOR,
    COMMANDER,
    DAY,
    HOUR,
    OFFICER,
    OPERATOR,
    REASON,
    REVIEWER,
    SUPERVISOR,
    CasesWorld,
    incident,
    limited,
    missing,
    narrowed,
    own_footage,
    photo,
)
from support.access_world import NOON, principal

OPEN = AuthorisationState.AUTHORISATION_STATE_OPEN
CLOSED = AuthorisationState.AUTHORISATION_STATE_CLOSED


@pytest.fixture
def world() -> CasesWorld:
    return CasesWorld()


def test_asking_opens_nothing_and_gives_a_receipt(world: CasesWorld) -> None:
    made = world.ask()
    assert world.state(made.request_id) is RequestState.SUBMITTED
    assert world.signer.signed == []
    assert world.told() == []
    assert world.photos() == set()
    assert made.secret not in repr(made)
    actions = [entry.action for entry in world.audit.entries[:2]]
    assert actions == [audit_pb2.AUDIT_ACTION_REQUEST_SUBMITTED, audit_pb2.AUDIT_ACTION_RECEIPT_ISSUED]
    assert len(world.audit.entries[0].digest or "") == 64


def test_an_approval_opens_the_search_with_both_names_in_the_token(world: CasesWorld) -> None:
    made = world.ask()
    world.cases.approve(SUPERVISOR, made.request_id, Approval(REASON))
    (state,) = world.authorisations()
    assert (state.authorisation_id, state.state) == (made.request_id, OPEN)
    verified = world.signer.verifier.verify(state.optional_token)
    assert verified.decide(SearchFaces())
    assert verified.claims.caveat(RequesterCaveat).official_id == OFFICER.official_id
    assert [one.official_id for one in verified.claims.caveat(ApprovalsCaveat).approvals] == [SUPERVISOR.official_id]
    assert verified.camera_ids == {"gate", "hall"}
    assert verified.window_starts_at == NOON - 2 * HOUR
    assert verified.window_ends_at == verified.expires_at == NOON + DAY
    assert world.photos() == set(verified.photo_keys) == {f"{made.request_id}/0.jpg"}
    assert world.state(made.request_id) is RequestState.OPEN


@pytest.mark.parametrize(
    ("who", "error"),
    [
        (OFFICER, ForbiddenError),
        (AUDITOR, ForbiddenError),
        (REVIEWER, NotFoundError),
        (OPERATOR, NotFoundError),
        (principal(Role.APPROVER, rank=Rank.OFFICER, name="low"), ForbiddenError),
        (principal(Role.REQUESTER, name="another officer"), NotFoundError),
    ],
)
def test_who_may_not_decide_is_refused_and_recorded(world: CasesWorld, who: Principal, error: type[Exception]) -> None:
    made = world.ask()
    before = len(world.audit.entries)
    with pytest.raises(error):
        world.cases.approve(who, made.request_id, Approval(REASON))
    assert [entry.outcome for entry in world.audit.entries[before:]] == [audit_pb2.AUDIT_OUTCOME_DENIED]
    assert world.signer.signed == []


def test_nobody_approves_their_own_request_whatever_their_rank(world: CasesWorld) -> None:
    made = world.cases.ask(COMMANDER, missing(), [photo()])
    with pytest.raises(ForbiddenError, match="own_request"):
        world.cases.approve(COMMANDER, made.request_id, Approval(REASON))
    with pytest.raises(ForbiddenError, match="own_request"):
        world.cases.refuse(COMMANDER, made.request_id, REASON)
    assert world.state(made.request_id) is RequestState.SUBMITTED


def test_more_than_usual_needs_the_higher_rank_or_is_narrowed(world: CasesWorld) -> None:
    cameras = [f"camera-{number}" for number in range(60)]
    made = world.ask(missing(cameras=cameras))
    assert world.cases.request(SUPERVISOR, made.request_id).may == {
        Action.NARROW,
        Action.REFUSE,
        Action.STOP,
        Action.SEE_PHOTOS,
    }
    with pytest.raises(ForbiddenError, match="rank"):
        world.cases.approve(SUPERVISOR, made.request_id, Approval(REASON))
    assert world.photos() == set()
    world.cases.approve(SUPERVISOR, made.request_id, narrowed(camera_ids=tuple(cameras[:50])))
    view = world.view(made.request_id)
    assert (len(view.camera_ids), len(view.asked_camera_ids)) == (50, 60)
    assert [decision.kind for decision in view.decisions] == [DecisionKind.NARROWED]
    assert len(world.signer.signed[0].caveats) == 6


def test_an_approval_never_widens(world: CasesWorld) -> None:
    made = world.ask()
    for wider in (
        narrowed(camera_ids=("gate", "roof")),
        narrowed(camera_ids=()),
        narrowed(starts_at=NOON - 3 * HOUR),
        narrowed(lifetime=25 * HOUR),
        narrowed(ends_at=NOON - 3 * HOUR),
        narrowed(lifetime=timedelta(seconds=1)),
    ):
        with pytest.raises(InvalidError):
            world.cases.approve(COMMANDER, made.request_id, wider)
    assert world.state(made.request_id) is RequestState.SUBMITTED
    with pytest.raises(InvalidError) as refused:
        world.cases.approve(COMMANDER, made.request_id, Approval("ok"))
    assert (refused.value.field, str(refused.value.reason)) == ("reason", "this needs 10 characters at least")


def test_a_refusal_says_why_and_leaves_no_photo(world: CasesWorld) -> None:
    made = world.ask()
    world.cases.refuse(SUPERVISOR, made.request_id, REASON)
    view = world.view(made.request_id)
    assert view.state is RequestState.REFUSED
    assert [(one.kind, one.reason) for one in view.decisions] == [(DecisionKind.REFUSED, REASON)]
    with pytest.raises(NotFoundError):
        world.cases.photo(SUPERVISOR, made.request_id, 0)
    assert world.told() == []
    with pytest.raises(ConflictError, match="ended"):
        world.cases.approve(COMMANDER, made.request_id, Approval(REASON))


def test_an_urgent_search_runs_on_one_signature_and_ends_without_the_second(world: CasesWorld) -> None:
    made = world.ask(missing(urgent=True))
    world.cases.start(OFFICER, made.request_id)
    view = world.view(made.request_id)
    assert view.state is RequestState.OPEN_URGENT
    assert view.urgent_deadline == NOON + HOUR
    verified = world.signer.verifier.verify(world.authorisations()[-1].optional_token)
    assert verified.urgent
    assert verified.expires_at == NOON + HOUR
    world.clock.move(HOUR - timedelta(seconds=1))
    assert world.cases.expire(world.clock.now()) == 0
    world.clock.move(timedelta(seconds=1))
    with pytest.raises(ConflictError, match="expired"):
        world.cases.approve(COMMANDER, made.request_id, Approval(REASON))
    assert world.cases.expire(world.clock.now()) == 1
    assert world.state(made.request_id) is RequestState.EXPIRED
    last = world.authorisations()[-1]
    assert (last.state, last.optional_close_reason) == (CLOSED, CloseReason.CLOSE_REASON_EXPIRED)
    assert world.photos() == set()
    assert world.searches.stopped == [made.request_id]
    (entry,) = world.audit.of(audit_pb2.AUDIT_ACTION_REQUEST_EXPIRED)
    assert entry.code == "no_second_signature"
    (sums,) = world.audit.of(audit_pb2.AUDIT_ACTION_SEARCH_ENDED)
    assert sums.faces_compared == 7


def test_the_second_signature_lets_an_urgent_search_go_on(world: CasesWorld) -> None:
    made = world.ask(missing(urgent=True))
    world.cases.start(OFFICER, made.request_id)
    world.clock.move(HOUR / 2)
    world.cases.approve(SUPERVISOR, made.request_id, Approval(REASON))
    world.clock.move(HOUR)
    assert world.cases.expire(world.clock.now()) == 0
    verified = world.signer.verifier.verify(world.authorisations()[-1].optional_token)
    assert not verified.urgent
    assert verified.expires_at == NOON + HOUR / 2 + DAY
    world.clock.move(DAY)
    assert world.cases.expire(world.clock.now()) == 1
    assert world.photos() == set()


def test_only_the_requester_of_an_urgent_request_starts_it(world: CasesWorld) -> None:
    plain = world.ask()
    with pytest.raises(ForbiddenError):
        world.cases.start(OFFICER, plain.request_id)
    urgent = world.ask(missing(urgent=True))
    with pytest.raises(ForbiddenError):
        world.cases.start(SUPERVISOR, urgent.request_id)
    for form in (own_footage(), incident()):
        with pytest.raises(InvalidError, match="urgent"):
            world.ask(replace(form, urgent=True))
    assert world.signer.signed == []


def test_one_click_stops_a_search_and_wipes_it(world: CasesWorld) -> None:
    made = world.approved()
    world.cases.stop(OFFICER, made.request_id, "found at home", found=True)
    assert world.state(made.request_id) is RequestState.CLOSED
    last = world.authorisations()[-1]
    assert (last.state, last.optional_close_reason) == (CLOSED, CloseReason.CLOSE_REASON_FOUND)
    assert not last.HasField("optional_token")
    assert world.searches.stopped == [made.request_id]
    assert world.photos() == set()
    with pytest.raises(ConflictError):
        world.cases.stop(OFFICER, made.request_id, "again")


def test_matching_that_is_away_does_not_keep_a_search_from_stopping(world: CasesWorld) -> None:
    made = world.approved()
    world.searches.away = True
    world.cases.stop(SUPERVISOR, made.request_id, "stop")
    assert world.authorisations()[-1].state == CLOSED
    assert world.photos() == set()


def test_an_undecided_request_ends_by_itself(world: CasesWorld) -> None:
    made = world.ask()
    world.clock.move(DAY)
    assert world.cases.expire(world.clock.now()) == 1
    assert world.state(made.request_id) is RequestState.EXPIRED
    assert world.told() == []


def test_what_cannot_be_recorded_does_not_happen(world: CasesWorld) -> None:
    made = world.ask()
    world.audit.away = True
    with pytest.raises(AuditUnavailableError):
        world.ask()
    with pytest.raises(AuditUnavailableError):
        world.cases.approve(COMMANDER, made.request_id, Approval(REASON))
    with pytest.raises(AuditUnavailableError):
        world.cases.request(COMMANDER, made.request_id)
    with pytest.raises(AuditUnavailableError):
        world.cases.photo(COMMANDER, made.request_id, 0)
    assert world.photos() == set()
    assert world.told() == []
    world.audit.away = False
    assert world.state(made.request_id) is RequestState.SUBMITTED
    assert len(world.cases.requests(COMMANDER, RequestFilter()).items) == 1
    world.cases.approve(COMMANDER, made.request_id, Approval(REASON))
    assert world.photos() == {f"{made.request_id}/0.jpg"}


def test_an_incident_is_granted_and_never_searched(world: CasesWorld) -> None:
    with pytest.raises(InvalidError, match="no_photo"):
        world.ask(incident(), [photo()])
    made = world.approved(incident())
    assert world.grants.given[made.request_id]["official_id"] == OFFICER.official_id
    assert world.grants.given[made.request_id]["until"] == NOON + 72 * HOUR
    assert world.grants.given[made.request_id]["unredacted"] is False
    assert world.signer.signed == []
    assert world.told() == []
    world.cases.stop(OFFICER, made.request_id, "done")
    assert world.grants.given == {}


def test_faces_of_an_incident_are_shown_by_the_higher_rank_alone(world: CasesWorld) -> None:
    made = world.ask(incident(unredacted=True))
    with pytest.raises(ForbiddenError, match="rank"):
        world.cases.approve(SUPERVISOR, made.request_id, Approval(REASON))
    world.cases.approve(SUPERVISOR, made.request_id, narrowed(redacted=True))
    assert world.grants.given[made.request_id]["unredacted"] is False
    other = world.approved(incident(unredacted=True))
    assert world.grants.given[other.request_id]["unredacted"] is True


def test_searches_at_once_are_limited(world: CasesWorld) -> None:
    world = CasesWorld(rules=limited(2))
    world.approved()
    world.approved(own_footage())
    third = world.ask()
    with pytest.raises(ConflictError, match="live_searches"):
        world.cases.approve(COMMANDER, third.request_id, Approval(REASON))
    assert world.photos().isdisjoint({f"{third.request_id}/0.jpg"})
    urgent = world.ask(missing(urgent=True))
    with pytest.raises(ConflictError, match="live_searches"):
        world.cases.start(OFFICER, urgent.request_id)
    world.approved(incident())
    world.clock.move(DAY)
    world.cases.expire(world.clock.now())
    fourth = world.ask()
    world.cases.approve(COMMANDER, fourth.request_id, Approval(REASON))


def test_lists_show_each_person_what_they_may_know(world: CasesWorld) -> None:
    opened = world.approved()
    world.ask(incident())
    world.cases.ask(SUPERVISOR, missing(), [photo()])

    def seen(who: Principal) -> int:
        return len(world.cases.requests(who, RequestFilter()).items)

    assert [seen(who) for who in (OFFICER, SUPERVISOR, COMMANDER, AUDITOR, REVIEWER, OPERATOR)] == [2, 3, 3, 3, 1, 0]
    assert seen(principal(Role.REQUESTER, name="another officer")) == 0
    (row,) = world.cases.requests(REVIEWER, RequestFilter()).items
    assert row.request_id == opened.request_id
    wanted = RequestFilter(states=frozenset({RequestState.SUBMITTED}), purpose=Purpose.MISSING_PERSON)
    assert len(world.cases.requests(COMMANDER, wanted).items) == 1
    assert len(world.cases.requests(SUPERVISOR, RequestFilter(mine=True)).items) == 1


def test_lists_come_in_pages_newest_first(world: CasesWorld) -> None:
    ids = []
    for _ in range(5):
        world.clock.move(timedelta(seconds=1))
        ids.append(world.ask().request_id)
    found: list[str] = []
    after: str | None = None
    while True:
        page = world.cases.requests(COMMANDER, RequestFilter(after=after, limit=2))
        found += [row.request_id for row in page.items]
        after = page.next
        if after is None:
            break
    assert found == ids[::-1]
    with pytest.raises(InvalidError):
        world.cases.requests(COMMANDER, RequestFilter(after="nonsense"))
    with pytest.raises(InvalidError):
        world.cases.requests(COMMANDER, RequestFilter(limit=101))


def test_photos_are_looked_at_by_those_who_need_to_and_each_look_is_recorded(world: CasesWorld) -> None:
    made = world.ask()
    assert world.cases.photo(OFFICER, made.request_id, 0).startswith(b"\xff\xd8")
    assert world.cases.photo(SUPERVISOR, made.request_id, 0).startswith(b"\xff\xd8")
    with pytest.raises(NotFoundError):
        world.cases.photo(SUPERVISOR, made.request_id, 1)
    with pytest.raises(ForbiddenError):
        world.cases.photo(AUDITOR, made.request_id, 0)
    with pytest.raises(NotFoundError):
        world.cases.photo(REVIEWER, made.request_id, 0)
    world.cases.approve(COMMANDER, made.request_id, Approval(REASON))
    assert world.cases.photo(REVIEWER, made.request_id, 0).startswith(b"\xff\xd8")
    looks = world.audit.of(audit_pb2.AUDIT_ACTION_PHOTO_VIEWED)
    assert [one.actor_id for one in looks] == [who.official_id for who in (OFFICER, SUPERVISOR, AUDITOR, REVIEWER)]
    world.cases.stop(OFFICER, made.request_id, "done")
    for who in (OFFICER, SUPERVISOR, REVIEWER):
        with pytest.raises(NotFoundError):
            world.cases.photo(who, made.request_id, 0)


def test_the_summary_says_in_plain_words_what_is_approved(world: CasesWorld) -> None:
    made = world.ask()
    said = " ".join(str(sentence) for sentence in world.view(made.request_id).summary)
    assert "one missing person" in said
    assert "On 2 cameras" in said
    assert "last seen" in said
    other = world.ask(incident())
    assert "No face is searched for" in " ".join(str(one) for one in world.view(other.request_id).summary)


def test_a_camera_that_is_not_there_cannot_be_asked_for(world: CasesWorld) -> None:
    world.cameras.missing = {"hall"}
    with pytest.raises(InvalidError, match="unknown_camera"):
        world.ask()


def test_a_request_is_not_opened_where_nothing_can_be_signed(world: CasesWorld) -> None:
    made = world.ask()
    world.signer.away = True
    with pytest.raises(SigningError):
        world.cases.approve(COMMANDER, made.request_id, Approval(REASON))
    assert world.state(made.request_id) is RequestState.SUBMITTED
    assert world.photos() == set()
    assert world.told() == []
    assert world.audit.of(audit_pb2.AUDIT_ACTION_REQUEST_APPROVED) == []


def test_another_policy_is_recorded_once(world: CasesWorld) -> None:
    assert enter_into_force(world.ground)
    assert not enter_into_force(world.ground)
    changed = replace(world.ground, policy=world.policy.model_copy(update={"digest": "0" * 64, "version": "2"}))
    assert enter_into_force(changed)
    entries = world.audit.of(audit_pb2.AUDIT_ACTION_POLICY_CHANGED)
    assert [(entry.code, entry.digest) for entry in entries] == [("1", world.policy.digest), ("2", "0" * 64)]


def test_a_photo_that_is_said_to_be_something_else_is_refused(world: CasesWorld) -> None:
    for declared in ("image/svg+xml", "text/html", "application/pdf", "image/heic"):
        with pytest.raises(InvalidError, match="photo_type"):
            world.ask(photos=[replace(photo(), content_type=declared)])
    with pytest.raises(InvalidError, match="HEIC"):
        world.ask(photos=[replace(photo(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"), content_type="image/jpeg")])
    world.ask(photos=[replace(photo(), content_type="image/png; charset=binary")])


def test_nothing_begins_before_the_receipt_was_issued(world: CasesWorld) -> None:
    made = world.ask(missing(urgent=True))
    with world.database.begin() as session:
        later = NOON + timedelta(seconds=1)
        session.execute(update(CaseRow).where(CaseRow.request_id == made.request_id).values(receipt_issued_at=later))
    with pytest.raises(ConflictError, match="receipt"):
        world.cases.start(OFFICER, made.request_id)
    with pytest.raises(ConflictError, match="receipt"):
        world.cases.approve(COMMANDER, made.request_id, Approval(REASON))
    assert world.signer.signed == []
    assert world.photos() == set()


def test_what_people_wrote_is_erased_a_year_after_the_end(world: CasesWorld) -> None:
    made = world.approved()
    world.cases.stop(OFFICER, made.request_id, "a text that somebody wrote")
    world.clock.move(365 * DAY - timedelta(seconds=1))
    assert world.cases.expire(world.clock.now()) == 0
    assert world.view(made.request_id).reason == REASON
    world.clock.move(timedelta(seconds=1))
    assert world.cases.expire(world.clock.now()) == 1
    view = world.view(made.request_id)
    assert (view.reason, view.case_reference, view.details, view.state) == ("", "", None, RequestState.STOPPED)
    assert [decision.reason for decision in view.decisions] == ["", ""]
    assert [shown.source for shown in view.photos] == [""]
    with world.database.read() as session:
        assert session.scalars(select(CaseRow.salt)).one() is None
    photos, texts = world.audit.of(audit_pb2.AUDIT_ACTION_DELETED)
    assert (photos.authorisation_id, photos.code, photos.objects) == (made.request_id, "subjects_due", 1)
    assert (texts.request_id, texts.code) == (made.request_id, "texts")
    assert world.cases.expire(world.clock.now()) == 0
