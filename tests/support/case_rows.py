"""Many requests in a database, written in bulk, as years of use leave them: for benchmarks."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final, Self

from sqlalchemy import insert
from sqlalchemy.orm import Session

from homeward.access.audit.sums import Figure, month_of
from homeward.access.audit.tables import AuditCase, AuditSum
from homeward.access.cases.documents import write_details
from homeward.access.cases.model import (
    Basis,
    DecisionKind,
    Details,
    IdentityCheck,
    IncidentDetails,
    MissingPersonDetails,
    Relation,
    RequestState,
    Risk,
    SubjectAccessDetails,
)
from homeward.access.cases.tables import CaseRow, DecisionRow, PhotoRow
from homeward.access.database.database import Database
from homeward.access.people.tables import OfficialRow
from homeward.access.review.tables import PictureRow, SightingRow, TallyRow
from homeward.access.review.verdict import Verdict
from homeward.shared.authorisation import Purpose, Rank
from homeward.shared.ids import derived_id

WAITING: Final = 300
"""The newest requests, which wait for a decision."""
RUNNING: Final = 30
"""Those before them, which run: as many searches at once as a city may have, and some footage."""
SIGHTINGS: Final = 300
"""Of each search that runs."""

_OVER: Final = timedelta(days=365)
_BATCH: Final = 2_000
_ENDED: Final = (RequestState.CLOSED, RequestState.STOPPED, RequestState.EXPIRED, RequestState.REFUSED)
_MONTHS: Final = 12

Row = dict[str, Any]


def case_id(number: int) -> str:
    """Return the id of the request `number`, the same that `audit_rows` speaks of."""
    return derived_id("request", number)


def sighting_id(case: str, number: int) -> str:
    """Return the id of a sighting of a search."""
    return derived_id("sighting", case, number)


def purpose_of(number: int) -> Purpose:
    """Return what the request `number` is for."""
    return tuple(Purpose)[number % 3]


@dataclass(frozen=True, slots=True)
class People:
    """Who asked and who agreed: each request is of one of `asked`, and all were decided by `agreed`."""

    asked: Sequence[str]
    agreed: str

    @classmethod
    def of(cls, asks: str, agrees: str, officials: int = 300) -> Self:
        """Return so many officials, `asks` among those who ask."""
        return cls([asks, *(derived_id("official", number) for number in range(1, officials))], agrees)


def fill(database: Database, count: int, now: datetime, *, people: People, cameras: Sequence[str]) -> None:
    """Write `count` requests of `people` for `cameras`, the last of them made at `now`, and what is summed of them."""
    chance = random.Random(1)  # noqa: S311 - the same requests each time
    with database.begin() as session:
        names = [
            {"official_id": one, "name": f"Official {place}", "last_signed_in_at": now}
            for place, one in enumerate(people.asked)
            if place
        ]
        session.execute(insert(OfficialRow), names)
        session.execute(insert(AuditSum), list(_sums(now)))
    numbers = iter(range(count))
    while batch := list(islice(numbers, _BATCH)):
        cases = [_case(number, count, now, people=people, cameras=cameras, chance=chance) for number in batch]
        with database.begin() as session:
            session.execute(insert(CaseRow), cases)
            session.execute(insert(DecisionRow), [_decision(one, people.agreed) for one in cases if one["opened_at"]])
            session.execute(insert(PhotoRow), [_photo(one) for one in cases if _searches(one)])
            if ended := [_told(one) for one in cases if one["ended_at"]]:
                session.execute(insert(AuditCase), ended)
            for one in cases:
                if one["state"] == RequestState.OPEN.value and _searches(one):
                    _found(session, one, now)


def _case(
    number: int, count: int, now: datetime, *, people: People, cameras: Sequence[str], chance: random.Random
) -> Row:
    purpose = purpose_of(number)
    at = now - _OVER * (count - number - 1) / count
    left = count - number
    if left <= WAITING:
        state = RequestState.SUBMITTED
    elif left <= WAITING + RUNNING:
        state = RequestState.OPEN
    else:
        state = chance.choice(_ENDED)
    opened = None if state in {RequestState.SUBMITTED, RequestState.REFUSED} else at + timedelta(minutes=10)
    window = {"starts_at": at - timedelta(hours=6), "ends_at": at + timedelta(hours=2), "lifetime_s": 86_400}
    chosen = chance.sample(cameras, 8)
    return {
        "request_id": case_id(number),
        "reference": f"{number:08d}",
        "secret_hash": bytes(32),
        "receipt_issued_at": at,
        "purpose": purpose.value,
        "state": state.value,
        "urgent": False,
        "requester_id": chance.choice(people.asked),
        "requester_rank": Rank.OFFICER.value,
        "needed_rank": Rank.SUPERVISOR.value,
        "case_reference": f"A-{number}",
        "reason": "Last seen at the station by her teacher, without a coat.",
        "details": write_details(purpose, _details(purpose, at)),
        "salt": bytes(16),
        "digest": "0" * 64,
        **{f"asked_{name}": value for name, value in window.items()},
        **window,
        "asked_camera_ids": chosen,
        "camera_ids": chosen,
        "asked_unredacted": False,
        "unredacted": False,
        "submitted_at": at,
        "decide_by": at + timedelta(days=7),
        "urgent_deadline": None,
        "opened_at": opened,
        "expires_at": None if state.ended else now + timedelta(days=2),
        "ended_at": at + timedelta(hours=20) if state.ended else None,
        "texts_until": now + timedelta(days=90) if state.ended else None,
        "due_at": at + timedelta(days=30) if purpose is Purpose.SUBJECT_ACCESS else None,
    }


def _details(purpose: Purpose, at: datetime) -> Details:
    match purpose:
        case Purpose.MISSING_PERSON:
            basis = Basis.BEST_INTEREST
            return MissingPersonDetails(Relation.PARENT, basis, "A child", at, "The north gate", Risk.HIGH)
        case Purpose.SUBJECT_ACCESS:
            return SubjectAccessDetails(IdentityCheck.DOCUMENT_IN_PERSON, "A passport")
        case Purpose.INCIDENT:
            return IncidentDetails("A theft")


def _searches(case: Row) -> bool:
    return Purpose(case["purpose"]).searches_faces


def _photo(case: Row) -> Row:
    taken_on = case["submitted_at"].date()
    return {"request_id": case["request_id"], "position": 0, "taken_on": taken_on, "source": "album", "data": None}


def _decision(case: Row, agreed: str) -> Row:
    return {
        "request_id": case["request_id"],
        "kind": DecisionKind.APPROVED.value,
        "official_id": agreed,
        "official_rank": Rank.SUPERVISOR.value,
        "reason": "Agreed, for the hours asked.",
        "at": case["opened_at"],
    }


def _told(case: Row) -> Row:
    return {
        "case_id": case["request_id"],
        "purpose": case["purpose"],
        "ended_at": case["ended_at"],
        "photos_gone_at": case["ended_at"],
        "templates_gone_at": case["ended_at"],
        "month": month_of(case["ended_at"]),
        "gone_after_s": 1.5,
    }


def _sums(now: datetime) -> Iterator[Row]:
    for month in sorted({month_of(now - timedelta(days=30 * back)) for back in range(_MONTHS)}):
        for purpose in Purpose:
            for one in Figure:
                yield {"month": month, "purpose": purpose.value, "figure": one.value, "value": 1234.0}


def _found(session: Session, case: Row, now: datetime) -> None:
    request_id = case["request_id"]
    tally = {"request_id": request_id, "feed": SIGHTINGS, "planned_at": now, "tasks_planned": 10, "tasks_done": 8}
    session.execute(insert(TallyRow), [tally])
    sightings = [_sighting(case, place, now) for place in range(SIGHTINGS)]
    session.execute(insert(SightingRow), sightings)
    session.execute(insert(PictureRow), [_picture(one) for one in sightings])


def _sighting(case: Row, place: int, now: datetime) -> Row:
    at = case["starts_at"] + timedelta(minutes=place)
    return {
        "sighting_id": sighting_id(case["request_id"], place),
        "request_id": case["request_id"],
        "camera_id": case["camera_ids"][place % len(case["camera_ids"])],
        "clip_id": derived_id("clip", case["request_id"], place),
        "clip_starts_at": at,
        "first_seen_at": at,
        "last_seen_at": at + timedelta(seconds=4),
        "found_at": now,
        "live": False,
        "score": 0.9 - place / 1000,
        "rank": 0.9 - place / 1000,
        "likelihood_ratio": 1000.0 / (place + 1),
        "false_match_rate": 0.001,
        "crops_key": None,
        "verdict": Verdict.OPEN.value,
        "decided_at": None,
        "arrived": place + 1,
        "decided": None,
    }


def _picture(sighting: Row) -> Row:
    return {
        "sighting_id": sighting["sighting_id"],
        "number": 0,
        "offset_bytes": 0,
        "length_bytes": 4096,
        "taken_at": sighting["first_seen_at"],
        "quality": 0.8,
        "face_width_px": 60.0,
    }
