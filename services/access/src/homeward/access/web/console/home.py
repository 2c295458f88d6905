"""The first page: what waits for whoever signs in, by what they may do."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from homeward.access.cases.model import RequestFilter, RequestRow, RequestState
from homeward.access.cases.policy import Policy
from homeward.access.people.principal import Principal, Role
from homeward.access.web.console.pages import Pages
from homeward.access.web.console.ports import CaseFile, Directory
from homeward.access.web.gate import Gate

_WAITING: Final = frozenset({RequestState.SUBMITTED, RequestState.OPEN_URGENT})
_ALIVE: Final = _WAITING | {RequestState.OPEN}
_SHOWN: Final = 8


def home_router(pages: Pages, gate: Gate, cases: CaseFile, directory: Directory, policy: Policy) -> APIRouter:
    """Return the first page, and the policy's."""
    router = APIRouter(include_in_schema=False)
    somebody = Annotated[Principal, Depends(gate.anybody)]

    @router.get("/")
    def home(request: Request, principal: somebody) -> Response:
        mine: tuple[RequestRow, ...] = ()
        waiting: tuple[RequestRow, ...] = ()
        if principal.has(Role.REQUESTER):
            mine = cases.requests(principal, RequestFilter(states=_ALIVE, mine=True, limit=_SHOWN)).items
        if principal.has(Role.APPROVER):
            found = cases.requests(principal, RequestFilter(states=_WAITING, limit=_SHOWN)).items
            own = {row.request_id for row in mine}
            waiting = tuple(sorted((row for row in found if row.request_id not in own), key=_pressing))
        return pages.render(
            request,
            "console/home.html",
            mine=mine,
            waiting=waiting,
            names=directory.names({row.requester_id for row in (*mine, *waiting)}),
        )

    @router.get("/policy")
    def rules(request: Request, principal: somebody) -> Response:
        del principal
        return pages.render(request, "console/policy.html", policy=policy)

    return router


def _pressing(row: RequestRow) -> tuple[bool, float]:
    """Sort what runs on one signature first, and by its end."""
    ends = row.expires_at or row.due_at or row.submitted_at
    return (row.state is not RequestState.OPEN_URGENT, ends.timestamp())
