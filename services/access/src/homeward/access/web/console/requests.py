"""The list of requests, and each one's page: what it asks, how it stands, and what may be done about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from homeward.access.cases.model import RequestFilter, RequestState, RequestView
from homeward.access.people.principal import Principal, Role
from homeward.access.web.console.drafts import Draft
from homeward.access.web.console.pages import Pages
from homeward.access.web.console.ports import CameraBook, CaseFile, Directory
from homeward.access.web.gate import Gate
from homeward.shared.authorisation import Purpose

GROUPS: Final[Mapping[str, frozenset[RequestState]]] = MappingProxyType(
    {
        "waiting": frozenset({RequestState.SUBMITTED, RequestState.OPEN_URGENT}),
        "running": frozenset({RequestState.OPEN, RequestState.OPEN_URGENT}),
        "ended": frozenset(state for state in RequestState if state.ended),
        "all": frozenset(),
    }
)
"""What a list shows, by the word in its address."""

DEEDS: Final = frozenset({"sent", "start", "approve", "refuse", "stop"})
_PAGE: Final = 25


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What the address of the list says; a word that it does not know counts as none."""

    show: str = "waiting"
    purpose: str = ""
    mine: str = ""
    after: str = ""


class RequestPages:
    """The page of a request: what it asks, how it stands, and the forms of what may be done about it."""

    def __init__(self, pages: Pages, cameras: CameraBook, directory: Directory) -> None:
        self._pages = pages
        self._cameras = cameras
        self._directory = directory

    def shown(self, request: Request, view: RequestView, done: str = "", draft: Draft | None = None) -> Response:
        """Return the page of `view`; `done` is what was done just before, `draft` a form that comes back."""
        officials = {view.requester_id, *(decision.official_id for decision in view.decisions)}
        return self._pages.render(
            request,
            "console/request.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if draft is not None else HTTPStatus.OK,
            view=view,
            names=self._directory.names(officials),
            cameras={camera.camera_id: camera.name for camera in self._cameras.choices()},
            done=done if done in DEEDS else "",
            errors=draft.errors if draft is not None else {},
            values=draft.values if draft is not None else {},
            kept=frozenset(draft.many("camera_ids")) if draft is not None else frozenset(view.camera_ids),
            back=f"/requests/{view.request_id}",
        )


def requests_router(
    pages: Pages, request_pages: RequestPages, gate: Gate, cases: CaseFile, directory: Directory
) -> APIRouter:
    """Return the list and the pages of requests."""
    router = APIRouter(include_in_schema=False)
    somebody = Annotated[Principal, Depends(gate.requires(Role.REQUESTER, Role.APPROVER, Role.REVIEWER, Role.AUDITOR))]

    @router.get("/requests")
    def listed(request: Request, principal: somebody, asked: Annotated[ListQuery, Depends()]) -> Response:
        show = asked.show if asked.show in GROUPS else "all"
        wanted = RequestFilter(
            states=GROUPS[show],
            purpose=next((one for one in Purpose if one.value == asked.purpose), None),
            mine=asked.mine == "yes",
            after=asked.after or None,
            limit=_PAGE,
        )
        found = cases.requests(principal, wanted)
        return pages.render(
            request,
            "console/requests.html",
            rows=found.items,
            older=found.next,
            show=show,
            purpose=wanted.purpose.value if wanted.purpose else "",
            mine=wanted.mine,
            first=not asked.after,
            names=directory.names({row.requester_id for row in found.items}),
        )

    @router.get("/requests/{request_id}")
    def one(request: Request, request_id: str, principal: somebody, done: str = "") -> Response:
        return request_pages.shown(request, cases.request(principal, request_id), done)

    @router.get("/requests/{request_id}/photos/{index}")
    def photo(request_id: str, index: int, principal: somebody) -> Response:
        picture = cases.photo(principal, request_id, index)
        return Response(picture, media_type="image/jpeg", headers={"Cache-Control": "no-store"})

    return router
