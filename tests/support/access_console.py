"""The console over requests in memory: for tests of pages, which judge nothing that the use cases judge."""

import re
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, FastAPI, Request

from homeward.access.cases.model import (
    Action,
    Approval,
    Asked,
    Basis,
    DecisionKind,
    DecisionView,
    Details,
    HoldView,
    IdentityCheck,
    IncidentDetails,
    MissingPersonDetails,
    Page,
    PhotoUpload,
    PhotoView,
    ReceiptView,
    Relation,
    RequestFilter,
    RequestForm,
    RequestRow,
    RequestState,
    RequestView,
    Risk,
    SubjectAccessDetails,
)
from homeward.access.errors import AccessError, AlreadySentError, NotFoundError
from homeward.access.footage.plan import SitePlan
from homeward.access.people.principal import Principal, Role
from homeward.access.sentence import Sentence
from homeward.access.web.app import build_app
from homeward.access.web.console.assets import Assets
from homeward.access.web.console.cameras import cameras_router
from homeward.access.web.console.console import console_routers
from homeward.access.web.console.instants import Instants
from homeward.access.web.console.pages import Pages
from homeward.access.web.console.ports import CameraChoice, CaseFile, ReceiptDesk
from homeward.access.web.console.translations import Languages
from homeward.access.web.gate import Gate
from homeward.access.web.security import Shield
from homeward.shared.authorisation import Purpose, Rank
from homeward.shared.ids import derived_id
from support.access_recorded import picture, recorded
from support.access_world import NOON, MovableClock, RecordedAudit, policy, principal

PUBLIC_URL: Final = "https://homeward.example"
REFERENCE: Final = "HW-7K3M-2QXD"
SECRET: Final = "tq8s-fmw4-zkd7-9hcr"  # noqa: S105 - opens nothing
URGENT: Final = derived_id("request", "urgent")
WAITING: Final = derived_id("request", "waiting")
OWN: Final = derived_id("request", "own")
INCIDENT: Final = derived_id("request", "incident")
REFUSED: Final = derived_id("request", "refused")

OFFICER: Final = principal(Role.REQUESTER, name="Lin Mei-hua")
SUPERVISOR: Final = principal(Role.REQUESTER, Role.APPROVER, rank=Rank.SUPERVISOR, name="Chen Wei")
REVIEWER: Final = principal(Role.REVIEWER, name="Huang Jia")
AUDITOR: Final = principal(Role.AUDITOR, name="Wu Yi-chun")
OPERATOR: Final = principal(Role.OPERATOR, name="Tsai Ming")
FAKE_WORDS: Final = frozenset(
    re.findall(
        r"\w+",
        "cam Lin Mei hua Chen Wei Huang Jia Chun chun Tsai Ming Harbour Main station Depot Road bus stop Her mother "
        "agreed the Seven years old light clothes Mother Passport counter Burglary officer supervisor commander",
    )
)
"""The words of everything here that somebody wrote."""
EVERYBODY: Final = (OFFICER, SUPERVISOR, REVIEWER, AUDITOR, OPERATOR)

_MISSING: Final = MissingPersonDetails(
    Relation.PARENT,
    Basis.CONSENT,
    "Her mother agreed, at the station",
    NOON - timedelta(minutes=50),
    "Harbour Road, bus stop 4",
    Risk.HIGH,
    "Seven years old, light clothes",
)
_OWN_FOOTAGE: Final = SubjectAccessDetails(IdentityCheck.DOCUMENT_IN_PERSON, "Passport, at the counter")


PLAN: Final = SitePlan(
    picture(),
    "image/png",
    {f"cam-{index:03}": (0.1 + 0.16 * (index % 6), 0.15 + 0.3 * (index // 6)) for index in range(18)},
)
"""Eighteen of the cameras, in three rows of six."""


class CameraList:
    """Cameras in three areas."""

    def __init__(self, count: int = 24) -> None:
        areas = ("Harbour", "Main station", "")
        self._cameras = [
            CameraChoice(f"cam-{index:03}", f"{areas[index % 3] or 'Depot'} {index + 1}", areas[index % 3])
            for index in range(count)
        ]

    def choices(self) -> Sequence[CameraChoice]:
        return self._cameras


class Names:
    """Officials by name."""

    def names(self, official_ids: Collection[str]) -> Mapping[str, str]:
        return {one.official_id: one.name for one in EVERYBODY if one.official_id in official_ids}


class CasesInMemory:
    """Some requests of every kind. `refusal` is raised by whatever would change one; asking takes `slow_s`."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Be as at the beginning."""
        self.views = {view.request_id: view for view in _views()}
        self.sent: set[UUID | None] = set()
        self.asked: list[tuple[RequestForm, Sequence[PhotoUpload]]] = []
        self.done: list[tuple[object, ...]] = []
        self.refusal: AccessError | None = None
        self.slow_s = 0.0

    def ask(
        self, principal: Principal, form: RequestForm, photos: Sequence[PhotoUpload], once: UUID | None = None
    ) -> Asked:
        self._refuse()
        if once is not None and once in self.sent:
            raise AlreadySentError(URGENT)
        self.sent.add(once)
        del principal
        time.sleep(self.slow_s)
        self.asked.append((form, photos))
        return Asked(URGENT, REFERENCE, SECRET)

    def start(self, principal: Principal, request_id: str) -> None:
        self._do("start", principal, request_id)

    def approve(self, principal: Principal, request_id: str, approval: Approval) -> None:
        self._do("approve", principal, request_id, approval)

    def refuse(self, principal: Principal, request_id: str, reason: str) -> None:
        self._do("refuse", principal, request_id, reason)

    def stop(self, principal: Principal, request_id: str, reason: str, *, found: bool = False) -> None:
        self._do("stop", principal, request_id, reason, found)

    def request(self, principal: Principal, request_id: str) -> RequestView:
        view = self.views.get(request_id)
        if view is None:
            raise NotFoundError("not_found", "there is no such request")
        return replace(view, may=_may(principal, view))

    def requests(self, principal: Principal, wanted: RequestFilter) -> Page[RequestRow]:
        rows = [
            _row(view, principal)
            for view in self.views.values()
            if (not wanted.states or view.state in wanted.states)
            and (wanted.purpose is None or view.purpose is wanted.purpose)
            and (not wanted.mine or view.requester_id == principal.official_id)
        ]
        return Page(tuple(rows[: wanted.limit]), "more" if wanted.after is None and len(rows) > 3 else None)

    def photo(self, principal: Principal, request_id: str, index: int) -> bytes:
        self._do("photo", principal, request_id, index)
        return b"\xff\xd8\xff\xd9"

    def _do(self, deed: str, principal: Principal, request_id: str, *more: object) -> None:
        self._refuse()
        if request_id not in self.views:
            raise NotFoundError("not_found", "there is no such request")
        self.done.append((deed, principal.name, request_id, *more))

    def _refuse(self) -> None:
        if self.refusal is not None:
            raise self.refusal


class DeskInMemory:
    """One receipt."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Be as at the beginning."""
        self.state = RequestState.OPEN_URGENT

    def look(self, reference: str, secret: str, client: str) -> ReceiptView:
        del client
        if (reference, secret) != (REFERENCE, SECRET):
            raise NotFoundError("receipt", "reference and secret do not belong together")
        ended = self.state.ended
        return ReceiptView(
            REFERENCE,
            Purpose.MISSING_PERSON,
            self.state,
            NOON - timedelta(minutes=30),
            NOON + timedelta(minutes=30) if not ended else None,
            NOON if ended else None,
            None,
            12,
            NOON - timedelta(minutes=50),
            None,
            None,
            not ended,
        )

    def withdraw(self, reference: str, secret: str, client: str) -> None:
        self.look(reference, secret, client)
        self.state = RequestState.WITHDRAWN


class SignedIn:
    """Whoever the cookie `person` names, by their first name; `who` where there is none."""

    def __init__(self, who: Principal | None = None) -> None:
        self.who = who

    def authenticate(self, request: Request) -> Principal | None:
        name = request.cookies.get("person", "")
        return next((one for one in EVERYBODY if one.name.split()[0] == name), self.who)


class Console:
    """The whole console in memory."""

    def __init__(
        self,
        who: Principal | None = None,
        *,
        public_url: str = PUBLIC_URL,
        shield: Shield | None = None,
        cases: CaseFile | None = None,
        receipts: ReceiptDesk | None = None,
        clock: MovableClock | None = None,
    ) -> None:
        """`cases`, `receipts` and `clock` are those in memory where they are None."""
        self.audit = RecordedAudit()
        self.cases = CasesInMemory()
        self.desk = DeskInMemory()
        self.signed_in = SignedIn(who)
        self.clock = MovableClock(NOON) if clock is None else clock
        self.cameras = CameraList()
        assets, languages = Assets(), Languages()
        zone = ZoneInfo("Asia/Taipei")
        self.instants = Instants(next(iter(languages)), zone)
        self.pages = Pages(assets, languages, zone, self.clock, lambda _: "the-token")
        gate = Gate(self.signed_in, self.audit)
        routers: list[APIRouter] = [
            *console_routers(
                self.pages,
                assets,
                languages,
                gate,
                cases=self.cases if cases is None else cases,
                receipts=self.desk if receipts is None else receipts,
                cameras=self.cameras,
                directory=Names(),
                policy=policy(),
                public_url=public_url,
                client_address=lambda _: "192.0.2.1",
                plan=PLAN,
            )
        ]
        chosen = [(camera.camera_id, camera.name) for camera in self.cameras.choices()]
        footage = recorded(chosen, self.audit, self.clock, OFFICER)
        routers = [*routers, cameras_router(footage, PLAN, self.pages, gate)]
        self.app: FastAPI = build_app(routers, page=self.pages.error, shield=shield)

    def forget(self) -> None:
        """Be as at the beginning; only the templates stay compiled."""
        self.cases.forget()
        self.desk.forget()
        self.audit.entries.clear()


def _may(principal: Principal, view: RequestView) -> frozenset[Action]:
    own = principal.official_id == view.requester_id
    may: set[Action] = set()
    if view.state in {RequestState.SUBMITTED, RequestState.OPEN_URGENT} and principal.has(Role.APPROVER) and not own:
        may |= {Action.NARROW, Action.REFUSE}
        if principal.rank.reaches(view.needed_rank):
            may.add(Action.APPROVE)
    if own and view.state is RequestState.SUBMITTED and view.urgent:
        may.add(Action.START)
    if not view.state.ended and (own or principal.has(Role.APPROVER)):
        may |= {Action.STOP} | ({Action.SEE_PHOTOS} if view.photos else set())
    return frozenset(may)


def _row(view: RequestView, principal: Principal) -> RequestRow:
    return RequestRow(
        view.request_id,
        view.purpose,
        view.state,
        view.urgent,
        view.case_reference,
        view.requester_id,
        len(view.camera_ids),
        view.submitted_at,
        view.urgent_deadline or view.expires_at,
        view.due_at,
        view.needed_rank,
        _may(principal, view),
    )


def _views() -> Sequence[RequestView]:
    asked = _view(URGENT, Purpose.MISSING_PERSON, RequestState.OPEN_URGENT, "M-2026-1181", _MISSING)
    own = _view(OWN, Purpose.SUBJECT_ACCESS, RequestState.SUBMITTED, "SAR-2026-0042", _OWN_FOOTAGE)
    incident = _view(
        INCIDENT,
        Purpose.INCIDENT,
        RequestState.SUBMITTED,
        "I-2026-0977",
        IncidentDetails("Burglary, Harbour 4", unredacted=True),
    )
    urgent = replace(
        asked,
        urgent=True,
        opened_at=NOON - timedelta(minutes=18),
        urgent_deadline=NOON + timedelta(minutes=42),
        expires_at=NOON + timedelta(minutes=42),
        decisions=(_decision(DecisionKind.STARTED, OFFICER, "", 18),),
    )
    return (
        urgent,
        replace(asked, request_id=WAITING, state=RequestState.SUBMITTED, case_reference="M-2026-1180", urgent=True),
        replace(
            own,
            due_at=NOON + timedelta(days=28),
            hold=HoldView(derived_id("hold", "own"), NOON + timedelta(days=58), released=False),
            ends_at=NOON - timedelta(hours=20),
            starts_at=NOON - timedelta(hours=24),
        ),
        replace(
            incident,
            photos=(),
            needed_rank=Rank.COMMANDER,
            ends_at=NOON - timedelta(hours=20),
            starts_at=NOON - timedelta(hours=24),
            summary=(Sentence("Open footage of named cameras and times. No face is searched for."),),
        ),
        replace(
            asked,
            request_id=REFUSED,
            state=RequestState.REFUSED,
            case_reference="M-2026-1102",
            ended_at=NOON - timedelta(hours=3),
            decisions=(
                _decision(DecisionKind.REFUSED, SUPERVISOR, "He was at home; the call came after you had asked.", 180),
            ),
            photos=(),
        ),
    )


def _decision(kind: DecisionKind, by: Principal, reason: str, minutes_ago: int) -> DecisionView:
    return DecisionView(kind, by.official_id, by.rank, reason, NOON - timedelta(minutes=minutes_ago))


def _view(request_id: str, purpose: Purpose, state: RequestState, case_reference: str, details: Details) -> RequestView:
    cameras = tuple(f"cam-{index:03}" for index in range(12))
    start, lifetime = NOON - timedelta(minutes=50), timedelta(hours=24)
    return RequestView(
        request_id=request_id,
        reference=REFERENCE,
        purpose=purpose,
        state=state,
        urgent=False,
        case_reference=case_reference,
        reason="A girl of seven did not come home from school.\nHer mother called at ten to nine.",
        details=details,
        requester_id=OFFICER.official_id,
        requester_rank=Rank.OFFICER,
        camera_ids=cameras,
        starts_at=start,
        ends_at=None,
        lifetime=lifetime,
        unredacted=isinstance(details, IncidentDetails) and details.unredacted,
        asked_camera_ids=cameras,
        asked_starts_at=start,
        asked_ends_at=None,
        asked_lifetime=lifetime,
        asked_unredacted=isinstance(details, IncidentDetails) and details.unredacted,
        submitted_at=NOON - timedelta(minutes=20),
        decide_by=NOON + timedelta(hours=23),
        urgent_deadline=None,
        opened_at=None,
        expires_at=NOON + timedelta(hours=23),
        ended_at=None,
        due_at=None,
        hold=None,
        photos=(PhotoView(0, "Mother", date(2026, 10, 3)),),
        decisions=(),
        needed_rank=Rank.SUPERVISOR,
        summary=(
            Sentence("Look for the face of one missing person, and of nobody else."),
            Sentence(
                "On {cameras} cameras, in recordings since {starts_at} and live until the search ends.",
                {"cameras": 12, "starts_at": start},
            ),
        ),
        may=frozenset(),
    )
