"""The API of requests and receipts."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, File, Form, Header, Path, Query, Request, UploadFile
from fastapi.responses import Response
from pydantic import Json

from homeward.access.cases.api_in import ApprovalIn, ReceiptIn, RefusalIn, RequestIn, StopIn
from homeward.access.cases.api_out import AskedOut, PageOut, PolicyOut, ReceiptOut, RequestOut
from homeward.access.cases.cases import Cases
from homeward.access.cases.model import PhotoUpload, RequestFilter, RequestState
from homeward.access.cases.photos import CONTENT_TYPE
from homeward.access.cases.policy import Policy
from homeward.access.cases.receipts import Receipts
from homeward.access.cases.viewing import PAGE_MAX
from homeward.access.errors import InvalidError
from homeward.access.people.principal import Principal
from homeward.access.web.app import API
from homeward.access.web.client import client_address
from homeward.access.web.gate import Gate
from homeward.access.web.problems import problems
from homeward.shared.authorisation import Purpose
from homeward.shared.authorisation.ceilings import PHOTOS_MAX

_NO_STORE: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_UUID: Final = r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$"

RequestId = Annotated[str, Path(pattern=_UUID)]


def cases_router(cases: Cases, policy: Policy, gate: Gate) -> APIRouter:
    """Return the routes of requests, for those who are signed in."""
    router = APIRouter()
    router.include_router(_asking(cases, policy, gate))
    router.include_router(_deciding(cases, gate))
    return router


def _asking(cases: Cases, policy: Policy, gate: Gate) -> APIRouter:
    router = APIRouter(prefix=API, tags=["requests"], responses=problems())
    anybody = Annotated[Principal, Depends(gate.anybody)]

    @router.post("/requests", status_code=201, summary="Ask", responses=problems(409, 413))
    def ask(
        principal: anybody,
        request: Annotated[Json[RequestIn], Form(description="The request, as JSON.")],
        photos: Annotated[
            list[UploadFile] | None, File(description="JPEG or PNG, in the order of the request.")
        ] = None,
        once: Annotated[
            UUID | None,
            Header(alias="Idempotency-Key", description="A random UUID: the same request with it is made once."),
        ] = None,
    ) -> AskedOut:
        uploads = photos or []
        if len(uploads) != len(request.root.photos) or len(uploads) > PHOTOS_MAX:
            raise InvalidError("photos", "send one file for each of the photos that the request names", "photos")
        pictures = [
            PhotoUpload(upload.file.read(), known.source, known.taken_on, upload.content_type)
            for upload, known in zip(uploads, request.root.photos, strict=True)
        ]
        return AskedOut.of(cases.ask(principal, request.root.to_form(), pictures, once))

    @router.get("/requests", summary="The requests that whoever asks may know of, newest first; recorded")
    def requests(
        *,
        principal: anybody,
        state: Annotated[list[RequestState] | None, Query(max_length=len(RequestState))] = None,
        purpose: Purpose | None = None,
        mine: bool = False,
        after: Annotated[str | None, Query(max_length=100)] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    ) -> PageOut:
        wanted = RequestFilter(frozenset(state or ()), purpose, mine, after, limit)
        return PageOut.of(cases.requests(principal, wanted))

    @router.get("/requests/{request_id}", summary="One request; recorded")
    def request(principal: anybody, request_id: RequestId) -> RequestOut:
        return RequestOut.of(cases.request(principal, request_id))

    @router.get(
        "/requests/{request_id}/photos/{index}",
        summary="A reference photo; recorded",
        response_class=Response,
        responses={200: {"content": {CONTENT_TYPE: {"schema": {"type": "string", "format": "binary"}}}}},
    )
    def photo(principal: anybody, request_id: RequestId, index: Annotated[int, Path(ge=0, lt=PHOTOS_MAX)]) -> Response:
        return Response(cases.photo(principal, request_id, index), media_type=CONTENT_TYPE, headers=_NO_STORE)

    @router.get("/policy", summary="The policy in force")
    def policy_in_force(principal: anybody) -> PolicyOut:
        del principal
        return PolicyOut(digest=policy.digest, policy=policy)

    return router


def _deciding(cases: Cases, gate: Gate) -> APIRouter:
    router = APIRouter(prefix=API, tags=["requests"], responses=problems())
    anybody = Annotated[Principal, Depends(gate.anybody)]

    @router.post(
        "/requests/{request_id}/start",
        status_code=204,
        summary="Begin an urgent search on the requester's signature alone",
        responses=problems(409),
    )
    def start(principal: anybody, request_id: RequestId) -> None:
        cases.start(principal, request_id)

    @router.post(
        "/requests/{request_id}/approve",
        status_code=204,
        summary="Agree to a request, or to less",
        responses=problems(409),
    )
    def approve(principal: anybody, request_id: RequestId, approval: ApprovalIn) -> None:
        cases.approve(principal, request_id, approval.to_approval())

    @router.post("/requests/{request_id}/refuse", status_code=204, summary="Refuse", responses=problems(409))
    def refuse(principal: anybody, request_id: RequestId, refusal: RefusalIn) -> None:
        cases.refuse(principal, request_id, refusal.reason)

    @router.post("/requests/{request_id}/stop", status_code=204, summary="End it now", responses=problems(409))
    def stop(principal: anybody, request_id: RequestId, why: StopIn) -> None:
        cases.stop(principal, request_id, why.reason, found=why.found)

    return router


def receipts_router(receipts: Receipts) -> APIRouter:
    """Return the public routes of receipts. The secret stands in the body, never in an address."""
    router = APIRouter(prefix=f"{API}/receipts", tags=["receipts"], responses=problems())

    @router.post("/look", summary="How a request stands, for the one whom it serves; recorded")
    def look(request: Request, receipt: ReceiptIn) -> ReceiptOut:
        return ReceiptOut.of(receipts.look(receipt.reference, receipt.secret, client_address(request)))

    @router.post("/withdraw", status_code=204, summary="End it now, and wipe", responses=problems(409))
    def withdraw(request: Request, receipt: ReceiptIn) -> None:
        receipts.withdraw(receipt.reference, receipt.secret, client_address(request))

    return router
