from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from homeward.access.cases.model import DecisionKind, RequestState
from homeward.access.cases.tables import CaseRow, DecisionRow, PhotoRow
from homeward.access.database.database import Database
from homeward.access.review.ports import ReviewCase
from homeward.access.review.requests import RequestCases
from homeward.access.review.tables import TallyRow
from homeward.access.review.tallies import SearchTallies
from homeward.shared.authorisation import Purpose, Rank
from homeward.shared.objectkeys import photo_key
from support.access_review import REQUEST
from support.access_world import NOON, database

END = NOON + timedelta(hours=12)


@dataclass
class Rows:
    database: Database = field(default_factory=database)

    def request(self, request_id: str = REQUEST, **changed: Any) -> None:
        row = CaseRow(
            request_id=request_id,
            reference=request_id[:8],
            secret_hash=b"",
            receipt_issued_at=NOON,
            purpose=Purpose.MISSING_PERSON.value,
            state=RequestState.OPEN.value,
            urgent=False,
            requester_id="officer",
            requester_rank=Rank.OFFICER.value,
            needed_rank=Rank.SUPERVISOR.value,
            case_reference="MP-1",
            salt=b"",
            digest="",
            asked_camera_ids=["gate", "hall"],
            asked_starts_at=NOON,
            asked_lifetime_s=43200,
            asked_unredacted=False,
            camera_ids=["gate"],
            starts_at=NOON - timedelta(hours=3),
            lifetime_s=43200,
            unredacted=False,
            submitted_at=NOON,
            decide_by=NOON + timedelta(hours=24),
            opened_at=NOON,
            expires_at=END,
        )
        for name, value in changed.items():
            setattr(row, name, value)
        with self.database.begin() as session:
            session.add(row)
            session.flush()
            for position in range(2):
                session.add(PhotoRow(request_id=request_id, position=position, taken_on=NOON.date()))
            for kind, who in ((DecisionKind.STARTED, "officer"), (DecisionKind.APPROVED, "supervisor")):
                session.add(
                    DecisionRow(request_id=request_id, kind=kind, official_id=who, official_rank="officer", at=NOON)
                )

    def find(self, request_id: str = REQUEST) -> ReviewCase | None:
        with self.database.read() as session:
            return RequestCases().find(session, request_id)

    def open(self) -> list[str]:
        with self.database.read() as session:
            return [case.request_id for case in RequestCases().open(session, NOON)]


@pytest.fixture
def rows() -> Rows:
    return Rows()


def test_an_open_search(rows: Rows) -> None:
    rows.request()
    case = rows.find()
    assert case is not None
    assert case.officials == {"officer", "supervisor"}
    assert case.camera_ids == {"gate"}
    assert (case.window_starts_at, case.window_ends_at) == (NOON - timedelta(hours=3), END)
    assert case.photos == (photo_key(REQUEST, 0), photo_key(REQUEST, 1))
    assert case.open_at(END - timedelta(microseconds=1))
    assert not case.open_at(END)
    assert case.ended_by(END + timedelta(hours=1)) == END
    assert rows.open() == [REQUEST]


def test_what_was_approved_is_what_counts(rows: Rows) -> None:
    rows.request(ends_at=NOON)
    case = rows.find()
    assert case is not None
    assert case.window_ends_at == NOON
    assert case.covers("gate", NOON - timedelta(seconds=10))
    assert not case.covers("gate", NOON)
    assert not case.covers("hall", NOON - timedelta(seconds=10))


@pytest.mark.parametrize("state", [state for state in RequestState if state.ended])
def test_an_ended_search_is_not_open(rows: Rows, state: RequestState) -> None:
    rows.request(state=state.value, expires_at=None, ended_at=NOON - timedelta(minutes=1))
    case = rows.find()
    assert case is not None
    assert not case.open_at(NOON - timedelta(hours=1))
    assert case.ended_by(NOON) == NOON - timedelta(minutes=1)
    assert rows.open() == []


@pytest.mark.parametrize(
    "changed",
    [{"opened_at": None, "state": RequestState.SUBMITTED.value}, {"purpose": Purpose.INCIDENT.value}],
    ids=["never opened", "incident"],
)
def test_what_never_searched_a_face_is_none(rows: Rows, changed: dict[str, Any]) -> None:
    rows.request(**changed)
    assert rows.find() is None
    assert rows.open() == []


def test_the_sums_of_a_search_for_its_end(rows: Rows) -> None:
    def of(session: Session) -> object:
        return SearchTallies().of(session, REQUEST)

    with rows.database.begin() as session:
        assert of(session) is None
        session.add(TallyRow(request_id=REQUEST, faces_compared=7, camera_s=60.0, candidates=2))
        session.flush()
        assert str(of(session)) == "Tally(faces_compared=7, camera_seconds=60.0, candidates=2)"
