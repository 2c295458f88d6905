"""The pages on which something is asked for, and the receipt for whom it serves."""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Annotated, Final
from uuid import uuid4

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.datastructures import FormData

from homeward.access.cases.policy import Policy
from homeward.access.errors import AlreadySentError, InvalidError, NotFoundError
from homeward.access.people.principal import Principal, Role
from homeward.access.web.console.asking import request_form
from homeward.access.web.console.decisions import done
from homeward.access.web.console.drafts import Draft, read_form
from homeward.access.web.console.pages import Pages
from homeward.access.web.console.ports import CameraBook, CaseFile
from homeward.access.web.console.qr import receipt_code
from homeward.access.web.gate import Gate
from homeward.shared.authorisation import Purpose
from homeward.shared.authorisation.ceilings import PHOTOS_MAX

Places = Mapping[str, tuple[float, float]]

PATHS: Final[Mapping[str, Purpose]] = MappingProxyType(
    {
        "missing-person": Purpose.MISSING_PERSON,
        "subject-access": Purpose.SUBJECT_ACCESS,
        "incident": Purpose.INCIDENT,
    }
)


def ask_router(
    pages: Pages, gate: Gate, cases: CaseFile, cameras: CameraBook, *, policy: Policy, public_url: str, places: Places
) -> APIRouter:
    """Return the pages of new requests; `places` says where on the site's plan cameras stand, empty without a plan."""
    router = APIRouter(include_in_schema=False)
    requester = Annotated[Principal, Depends(gate.requires(Role.REQUESTER))]

    def form_page(request: Request, purpose: Purpose, draft: Draft | None) -> Response:
        wrong = draft is not None and bool(draft.errors)
        return pages.render(
            request,
            f"console/ask_{purpose.value}.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
            once=uuid4() if draft is None else draft.once() or uuid4(),
            errors=draft.errors if draft is not None else {},
            values=draft.values if draft is not None else {},
            chosen=frozenset(draft.many("camera_ids")) if draft is not None else frozenset(),
            cameras=cameras.choices(),
            places=places,
            rules=policy.of(purpose),
            policy=policy,
            photos_max=PHOTOS_MAX,
        )

    @router.get("/ask")
    def choose(request: Request, principal: requester) -> Response:
        del principal
        return pages.render(request, "console/ask.html", policy=policy)

    @router.get("/ask/{kind}")
    def blank(request: Request, kind: str, principal: requester) -> Response:
        del principal
        return form_page(request, _purpose(kind), None)

    @router.post("/ask/{kind}")
    def send(
        request: Request, kind: str, principal: requester, form: Annotated[FormData, Depends(read_form)]
    ) -> Response:
        purpose = _purpose(kind)
        draft = Draft(form, pages.language(request), pages.instants(request))
        asked_for = request_form(draft, purpose)
        photos = draft.photos() if purpose.searches_faces else []
        if draft.errors:
            return form_page(request, purpose, draft)
        try:
            asked = cases.ask(principal, asked_for, photos, draft.once())
        except AlreadySentError as error:
            return done(error.request_id, "sent")
        except InvalidError as error:
            draft.refused(error)
            return form_page(request, purpose, draft)
        # The secret is shown here and now: nothing keeps it, so this page cannot be shown again.
        return pages.render(
            request,
            "console/receipt_given.html",
            asked=asked,
            purpose=purpose,
            urgent=asked_for.urgent,
            urgent_for=policy.of(purpose).urgent_for,
            code=receipt_code(public_url, asked.reference, asked.secret),
            address=f"{public_url}/receipt",
            back=f"/requests/{asked.request_id}",
        )

    return router


def _purpose(kind: str) -> Purpose:
    try:
        return PATHS[kind]
    except KeyError:
        raise NotFoundError("not_found", "there is no such form") from None
