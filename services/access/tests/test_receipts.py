"""Whoever a request serves sees how it stands, and ends it."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from homeward.access.cases.model import RequestState
from homeward.access.cases.secrets import new_receipt, opens, read_reference
from homeward.access.cases.tables import CaseRow
from homeward.access.errors import ConflictError, NotFoundError, TooManyError
from homeward.shared.audit import ANONYMOUS, RECEIPT_HOLDER, AuditUnavailableError
from homewardapi.audit.v1 import audit_pb2
from homewardapi.authorisation.v1.authorisation_pb2 import CloseReason
from homewardapi.hold.v1.hold_pb2 import HoldState
from support.access_cases import COMMANDER, DAY, OFFICER, REASON, CasesWorld, missing, own_footage
from support.access_world import NOON


@pytest.fixture
def world() -> CasesWorld:
    return CasesWorld()


def test_a_receipt_shows_how_the_request_stands(world: CasesWorld) -> None:
    made = world.ask()
    view = world.receipts.look(made.reference, made.secret)
    assert (view.state, view.may_withdraw, view.cameras) == (RequestState.SUBMITTED, True, 2)
    (entry,) = world.audit.of(audit_pb2.AUDIT_ACTION_RECEIPT_VIEWED)
    assert (entry.actor_id, entry.request_id) == (RECEIPT_HOLDER, made.request_id)


def test_withdrawing_stops_the_search_and_wipes(world: CasesWorld) -> None:
    made = world.approved()
    world.receipts.withdraw(made.reference, made.secret)
    assert world.state(made.request_id) is RequestState.WITHDRAWN
    assert world.authorisations()[-1].optional_close_reason == CloseReason.CLOSE_REASON_WITHDRAWN
    assert world.searches.stopped == [made.request_id]
    assert world.photos() == set()
    (entry,) = world.audit.of(audit_pb2.AUDIT_ACTION_REQUEST_WITHDRAWN)
    assert entry.actor_id == RECEIPT_HOLDER
    with pytest.raises(ConflictError):
        world.receipts.withdraw(made.reference, made.secret)
    assert not world.receipts.look(made.reference, made.secret).may_withdraw


def test_withdrawing_what_waits_leaves_nothing_to_approve(world: CasesWorld) -> None:
    made = world.ask(missing(urgent=True))
    world.receipts.withdraw(made.reference, made.secret)
    with pytest.raises(ConflictError):
        world.cases.start(OFFICER, made.request_id)
    assert world.signer.signed == []
    assert world.told() == []


def test_withdrawing_one_s_own_footage_ends_the_hold_even_after_the_search(world: CasesWorld) -> None:
    made = world.ask(own_footage())
    world.cases.refuse(COMMANDER, made.request_id, REASON)
    assert world.receipts.look(made.reference, made.secret).may_withdraw
    world.receipts.withdraw(made.reference, made.secret)
    assert world.holds()[-1].state == HoldState.HOLD_STATE_RELEASED
    assert world.state(made.request_id) is RequestState.REFUSED
    other = world.ask(own_footage())
    world.receipts.withdraw(other.reference, other.secret)
    ended = world.audit.of(audit_pb2.AUDIT_ACTION_HOLD_RELEASED)
    assert [(entry.request_id, entry.actor_id) for entry in ended] == [
        (made.request_id, RECEIPT_HOLDER),
        (other.request_id, RECEIPT_HOLDER),
    ]
    with pytest.raises(ConflictError):
        world.receipts.withdraw(made.reference, made.secret)


def test_a_wrong_receipt_opens_nothing_and_is_recorded(world: CasesWorld) -> None:
    made, other = world.ask(), world.ask()
    for reference, secret in (
        (made.reference, other.secret),
        ("0000-0000", made.secret),
        (made.reference, ""),
        (made.reference, made.secret[:-1]),
        (made.reference, "é" * 26),
        (made.reference, "A" * 10_000),
        ("A" * 10_000, made.secret),
    ):
        with pytest.raises(NotFoundError):
            world.receipts.look(reference, secret)
        with pytest.raises(NotFoundError):
            world.receipts.withdraw(reference, secret)
    assert world.state(made.request_id) is RequestState.SUBMITTED
    entries = world.audit.of(audit_pb2.AUDIT_ACTION_RECEIPT_VIEWED)
    assert len(entries) == 14
    assert {(entry.actor_id, entry.outcome) for entry in entries} == {(ANONYMOUS, audit_pb2.AUDIT_OUTCOME_DENIED)}


def test_only_the_hash_of_the_secret_is_kept(world: CasesWorld) -> None:
    made = world.ask()
    with world.database.read() as session:
        row = session.scalars(select(CaseRow)).one()
        kept = repr([getattr(row, column.key) for column in CaseRow.__table__.columns])
    assert made.secret not in kept
    assert made.secret.replace("-", "") not in kept
    assert len(row.secret_hash) == 32


def test_attempts_are_limited_by_client(world: CasesWorld) -> None:
    made = world.ask()
    for _ in range(world.policy.receipts.attempts_per_minute):
        with pytest.raises(NotFoundError):
            world.receipts.look(made.reference, "wrong", "1.2.3.4")
    with pytest.raises(TooManyError) as caught:
        world.receipts.look(made.reference, made.secret, "1.2.3.4")
    assert 1 <= caught.value.retry_after_s <= 60
    assert world.receipts.look(made.reference, made.secret, "5.6.7.8").may_withdraw
    world.clock.move(timedelta(minutes=1))
    assert world.receipts.look(made.reference, made.secret, "1.2.3.4").may_withdraw


def test_a_withdrawal_that_cannot_be_recorded_tells_so(world: CasesWorld) -> None:
    made = world.approved()
    world.audit.away = True
    with pytest.raises(AuditUnavailableError):
        world.receipts.withdraw(made.reference, made.secret)
    world.audit.away = False
    assert world.state(made.request_id) is RequestState.OPEN


def test_the_due_date_is_shown_and_footage_held_from_the_first_moment(world: CasesWorld) -> None:
    made = world.ask(own_footage())
    view = world.receipts.look(made.reference, made.secret)
    assert view.due_at == NOON + 30 * DAY
    assert view.held_until == NOON + 60 * DAY
    (hold,) = world.holds()
    assert hold.state == HoldState.HOLD_STATE_PLACED
    assert list(hold.camera_ids) == ["gate"]
    world.clock.move(60 * DAY)
    assert world.cases.expire(world.clock.now()) == 2
    assert world.holds()[-1].state == HoldState.HOLD_STATE_RELEASED
    assert world.receipts.look(made.reference, made.secret).held_until is None


@settings(deadline=None)
@given(st.data())
def test_a_secret_is_read_however_it_is_typed(data: st.DataObject) -> None:
    receipt = new_receipt()
    typed = "".join(
        data.draw(st.sampled_from([one, one.lower(), f" {one}", f"{one} "])) for one in receipt.secret.replace("-", "")
    )
    assert opens(typed[:64], receipt.secret_hash) is (len(typed) <= 64)
    assert opens(receipt.secret.replace("0", "o").replace("1", "l"), receipt.secret_hash)
    assert read_reference(receipt.reference.lower().replace("-", " ")) == receipt.reference


@settings(deadline=None)
@given(st.text(max_size=70))
def test_nothing_else_is_a_secret(typed: str) -> None:
    receipt = new_receipt()
    assert not opens(typed, receipt.secret_hash)
    assert not opens(typed, None)
    assert not opens(receipt.secret, None)
