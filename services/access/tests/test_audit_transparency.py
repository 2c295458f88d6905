from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from homeward.access.audit.sums import Figure
from homeward.access.audit.transparency import LEAST, Told, coarse_amount, coarse_count
from homeward.shared.audit import DELETION_DUE, DELETION_GONE, PHOTOS, TEMPLATES, Entry, deletion_code
from homeward.shared.authorisation import Purpose
from homeward.shared.ids import derived_id
from homewardapi.audit.v1 import audit_pb2
from support.access_audit import AuditWorld

OCTOBER = datetime(2026, 10, 5, 12, tzinfo=UTC)
PERSON = Purpose.MISSING_PERSON


@pytest.fixture
def world(tmp_path: Path) -> AuditWorld:
    return AuditWorld(tmp_path)


def case(number: int, purpose: Purpose = PERSON) -> Iterator[tuple[float, Entry]]:
    """Yield what is recorded of one case, in order, each at its second."""
    name = derived_id("test", purpose.value, number)

    def one(action: audit_pb2.AuditAction.ValueType, **facts: object) -> Entry:
        return Entry(action, "homeward/test", nonce=name, **facts)  # type: ignore[arg-type]

    yield 0, one(audit_pb2.AUDIT_ACTION_REQUEST_SUBMITTED, request_id=name, purpose=purpose.value)
    yield 1, one(audit_pb2.AUDIT_ACTION_REQUEST_APPROVED, request_id=name, authorisation_id=name)
    yield 2, one(audit_pb2.AUDIT_ACTION_SEARCH_STARTED, authorisation_id=name)
    compared = {"faces_compared": 1000, "camera_seconds": 7200.0, "candidates": 3}
    yield 3, one(audit_pb2.AUDIT_ACTION_FACES_COMPARED, authorisation_id=name, **compared)
    yield 4, one(audit_pb2.AUDIT_ACTION_SIGHTING_DECIDED, request_id=name, code="confirmed")
    yield 5, one(audit_pb2.AUDIT_ACTION_REQUEST_STOPPED, request_id=name)
    due, gone = deletion_code(PHOTOS, DELETION_DUE), deletion_code(PHOTOS, DELETION_GONE)
    yield 6, one(audit_pb2.AUDIT_ACTION_DELETED, authorisation_id=name, code=due)
    yield 6, one(audit_pb2.AUDIT_ACTION_DELETED, authorisation_id=name, code=gone)
    gone = deletion_code(TEMPLATES, DELETION_GONE)
    yield 6 + number, one(audit_pb2.AUDIT_ACTION_DELETED, authorisation_id=name, code=gone)
    # A restart tells it again, and it is not deleted again.
    yield 99 + number, one(audit_pb2.AUDIT_ACTION_DELETED, authorisation_id=name, code=gone)


def cases(world: AuditWorld, count: int, at: datetime = OCTOBER) -> None:
    for number in range(count):
        for second, entry in case(number):
            world.audit.fold(at + timedelta(seconds=second), entry)


def test_figures_are_summed_by_purpose_and_month(world: AuditWorld) -> None:
    cases(world, 3)
    exact = world.transparency.exact()
    mine = exact[PERSON]
    assert mine[Figure.REQUESTS] == mine[Figure.APPROVED] == mine[Figure.SEARCHES] == mine[Figure.CONFIRMED] == 3
    assert (mine[Figure.FACES], mine[Figure.CAMERA_SECONDS], mine[Figure.CANDIDATES]) == (3000, 21600, 9)
    assert mine[Figure.REFUSED] == 0
    assert exact[Purpose.INCIDENT].figures == {}
    assert world.transparency.exact("2026-09")[PERSON].figures == {}


def test_a_case_is_gone_when_photos_and_templates_are(world: AuditWorld) -> None:
    cases(world, 3)
    exact = world.transparency.exact("2026-10")[PERSON]
    # Ended at second 5; the templates went at 6, 7 and 8.
    assert exact.ended == 3
    assert exact.median_gone_after == timedelta(seconds=2)


def test_a_deletion_told_before_the_end_took_no_time(world: AuditWorld) -> None:
    entries = list(case(0))
    for _, entry in [*entries[:5], *entries[6:9], entries[5]]:
        world.audit.fold(OCTOBER, entry)
    assert world.transparency.exact()[PERSON].median_gone_after == timedelta()


def test_what_was_denied_is_not_counted_as_done(world: AuditWorld) -> None:
    denied = audit_pb2.AUDIT_OUTCOME_DENIED
    action = audit_pb2.AUDIT_ACTION_REQUEST_SUBMITTED
    world.audit.fold(OCTOBER, Entry(action, "homeward/test", denied, purpose=PERSON.value))
    assert world.transparency.exact()[PERSON].figures == {}


def test_the_public_report_is_coarse(world: AuditWorld) -> None:
    cases(world, 13)
    report = world.transparency.report()
    assert report.through == "2026-10"
    (month,) = report.months
    for told in (month.purposes[PERSON], report.whole.purposes[PERSON]):
        assert told.requests == told.confirmed == Told(15)
        assert told.refused == Told(None, LEAST)
        assert told.camera_hours == Told(26)
        assert told.faces_compared == Told(13000)
        assert told.median_s_to_delete == Told(7)
    nobody = month.purposes[Purpose.INCIDENT]
    assert nobody.requests == Told(None, LEAST)
    assert nobody.camera_hours == nobody.median_s_to_delete == Told(None)


def test_one_case_and_none_look_alike(world: AuditWorld, tmp_path: Path) -> None:
    cases(world, 1)
    cases(world, 13, OCTOBER - timedelta(days=31))
    other = AuditWorld(tmp_path / "other")
    cases(other, 13, OCTOBER - timedelta(days=31))
    # Something else happened in October, so that the month is told at all.
    other.audit.fold(OCTOBER, Entry(audit_pb2.AUDIT_ACTION_ACCESS_REFUSED, "homeward/test"))
    told = world.transparency.report()
    assert told.months[0].month == "2026-10"
    assert told.months[0] == other.transparency.report().months[0]


def test_a_month_is_told_when_it_is_over(world: AuditWorld) -> None:
    cases(world, 13, world.clock.now())
    assert world.transparency.report().months == []
    assert world.transparency.report().whole.purposes[PERSON].requests == Told(None, LEAST)
    world.clock.move(timedelta(days=31))
    assert [month.month for month in world.transparency.report().months] == ["2026-11"]


def test_a_crowd_that_asks_costs_one_report_a_minute(world: AuditWorld) -> None:
    cases(world, 5)
    asked: list[str] = []
    event.listen(world.database.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    for _ in range(20):
        world.transparency.report()
    once = len(asked)
    assert not any("audit_lines" in statement for statement in asked)
    world.clock.move(timedelta(seconds=61))
    world.transparency.report()
    assert len(asked) == 2 * once


@given(st.integers(0, 10_000))
def test_a_count_is_told_in_fives(count: int) -> None:
    told = coarse_count(count)
    if count < LEAST:
        assert told == Told(None, LEAST)
    else:
        assert told.about is not None
        assert told.about % LEAST == 0
        assert abs(told.about - count) <= LEAST / 2


@given(st.floats(0, 1e9), st.integers(0, 100))
def test_an_amount_is_told_to_two_digits_or_not_at_all(amount: float, number: int) -> None:
    told = coarse_amount(amount, number)
    if number < LEAST:
        assert told == Told(None)
    else:
        assert told.about == pytest.approx(amount, rel=0.06)
