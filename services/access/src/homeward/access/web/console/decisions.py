"""What is done about a request by the forms on its page."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from homeward.access.cases.model import Approval
from homeward.access.errors import InvalidError
from homeward.access.people.principal import Principal, Role
from homeward.access.web.console.drafts import Draft, read_form
from homeward.access.web.console.pages import Pages
from homeward.access.web.console.ports import CaseFile
from homeward.access.web.console.requests import RequestPages
from homeward.access.web.gate import Gate

Form = Annotated[FormData, Depends(read_form)]


class Deeds:
    """Does what a form says, and shows the request again with what is wrong with the form."""

    def __init__(self, pages: Pages, request_pages: RequestPages, cases: CaseFile) -> None:
        self._pages = pages
        self._request_pages = request_pages
        self._cases = cases

    def draft(self, request: Request, form: FormData) -> Draft:
        """Return the form as it was filled in."""
        return Draft(form, self._pages.language(request), self._pages.instants(request))

    def do(
        self,
        request: Request,
        principal: Principal,
        request_id: str,
        *,
        draft: Draft,
        act: Callable[[], None],
        deed: str,
    ) -> Response:
        """Call `act`, and lead to the request; `deed` names it, and its field for a reason is `<deed>_reason`."""
        if not draft.errors:
            try:
                act()
            except InvalidError as error:
                draft.refused(error, {"reason": f"{deed}_reason"})
        if draft.errors:
            view = self._cases.request(principal, request_id)
            return self._request_pages.shown(request, view, draft=draft)
        return done(request_id, deed)


def done(request_id: str, deed: str) -> Response:
    """Lead to a request after `deed`."""
    return RedirectResponse(f"/requests/{request_id}?done={deed}", HTTPStatus.SEE_OTHER)


def _(text: str) -> str:
    """Mark a text for the catalogues."""
    return text


def decisions_router(pages: Pages, deeds: Deeds, gate: Gate, cases: CaseFile) -> APIRouter:
    """Return the routes of the forms. Who may do what, the use cases judge."""
    router = APIRouter(include_in_schema=False)
    official = Annotated[Principal, Depends(gate.requires(Role.REQUESTER, Role.APPROVER))]

    @router.post("/requests/{request_id}/start")
    def start(request_id: str, principal: official) -> Response:
        cases.start(principal, request_id)
        return done(request_id, "start")

    @router.post("/requests/{request_id}/approve")
    def approve(request: Request, request_id: str, principal: official, form: Form) -> Response:
        draft = deeds.draft(request, form)
        approval = Approval(draft.text("approve_reason"))
        if draft.ticked("less"):
            approval = Approval(
                approval.reason,
                draft.many("camera_ids"),
                draft.optional_instant("starts_at"),
                draft.optional_instant("ends_at"),
                draft.optional_hours("lifetime"),
                redacted=draft.ticked("redacted"),
            )

        def act() -> None:
            cases.approve(principal, request_id, approval)

        return deeds.do(request, principal, request_id, draft=draft, act=act, deed="approve")

    @router.post("/requests/{request_id}/refuse")
    def refuse(request: Request, request_id: str, principal: official, form: Form) -> Response:
        draft = deeds.draft(request, form)
        reason = draft.text("refuse_reason")

        def act() -> None:
            cases.refuse(principal, request_id, reason)

        return deeds.do(request, principal, request_id, draft=draft, act=act, deed="refuse")

    @router.post("/requests/{request_id}/stop")
    def stop(request: Request, request_id: str, principal: official, form: Form) -> Response:
        draft = deeds.draft(request, form)
        found = draft.ticked("found")
        # One click is enough: which button it was says why, and the words beside it are a choice.
        why = _("The person was found") if found else _("It is no longer needed")
        reason = draft.text("stop_reason", required=False) or pages.language(request)(why)

        def act() -> None:
            cases.stop(principal, request_id, reason, found=found)

        return deeds.do(request, principal, request_id, draft=draft, act=act, deed="stop")

    return router
