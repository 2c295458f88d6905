"""Review for programs: /api/v1/review. There is no route that gives more than one picture."""

from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from homeward.access.people.principal import Principal, Role
from homeward.access.review.model import CaseView, Outcome, SightingList, SightingView
from homeward.access.review.stream import Streams
from homeward.access.review.usecases import ReviewUseCases
from homeward.access.review.verdict import Answer
from homeward.access.web.app import API
from homeward.access.web.gate import Gate
from homeward.access.web.problems import problems

_UUID: Final = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_NUMBER_MAX: Final = 2**31 - 1

RequestId = Annotated[str, Path(pattern=_UUID)]
SightingId = Annotated[str, Path(pattern=_UUID)]
Number = Annotated[int, Path(ge=0, le=99)]

PICTURE_HEADERS: Final = {
    # Shown and gone: no copy in a cache, none to take away by a click, none for another site.
    "Cache-Control": "no-store",
    "Content-Disposition": "inline",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_PICTURE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}, "description": "One picture."}
}
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "Server-sent events."},
    204: {"description": "The search has ended."},
}


class AnswerIn(BaseModel):
    """One reviewer's answer to "is this the person?"."""

    model_config = ConfigDict(extra="forbid")

    answer: Answer


def picture(data: bytes) -> Response:
    """Return one picture as an answer."""
    return Response(data, media_type="image/jpeg", headers=PICTURE_HEADERS)


def no_store(response: Response) -> None:
    """Have an answer kept in no cache."""
    response.headers["Cache-Control"] = "no-store"


class EventStream(StreamingResponse):
    """Server-sent events; gives the stream's place back when the answer ends, begun or not."""

    def __init__(self, streams: Streams, principal: Principal, request_id: str, number: int) -> None:
        super().__init__(
            streams.events(principal, request_id, number),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
        self._give_back = partial(streams.give_back, principal)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._give_back()


def review_router(cases: ReviewUseCases, streams: Streams, gate: Gate) -> APIRouter:
    """Return the routes of review."""
    router = APIRouter(prefix=f"{API}/review", tags=["review"], dependencies=[Depends(no_store)])
    _add_searches(router, cases, gate)
    _add_sightings(router, cases, gate)
    _add_outcome(router, cases, gate)
    _add_stream(router, cases, streams, gate)
    return router


def _add_searches(router: APIRouter, cases: ReviewUseCases, gate: Gate) -> None:
    Reviewer = Annotated[Principal, Depends(gate.requires(Role.REVIEWER))]  # noqa: N806 - a type

    @router.get("/searches", responses=problems())
    def list_searches(principal: Reviewer) -> list[CaseView]:
        """List the open searches that the caller may review, oldest first."""
        return cases.review.searches(principal)

    @router.get("/searches/{request_id}", responses=problems())
    def read_search(principal: Reviewer, request_id: RequestId) -> CaseView:
        """Read one search and how far it has come."""
        return cases.review.search(principal, request_id)

    @router.get("/searches/{request_id}/sightings", responses=problems())
    def list_sightings(
        principal: Reviewer, request_id: RequestId, after: Annotated[str | None, Query(pattern=_UUID)] = None
    ) -> SightingList:
        """List fifty sightings of a search, best first, from the one after the sighting `after`."""
        return cases.review.sightings(principal, request_id, after)

    @router.get("/searches/{request_id}/photos/{number}", responses=problems(409) | _PICTURE, response_class=Response)
    def read_photo(principal: Reviewer, request_id: RequestId, number: Number) -> Response:
        """Read one reference photo of an open search; the look is recorded."""
        return picture(cases.pictures.photo(principal, request_id, number))


def _add_sightings(router: APIRouter, cases: ReviewUseCases, gate: Gate) -> None:
    Reviewer = Annotated[Principal, Depends(gate.requires(Role.REVIEWER))]  # noqa: N806 - a type

    @router.get("/sightings/{sighting_id}", responses=problems())
    def read_sighting(principal: Reviewer, sighting_id: SightingId) -> SightingView:
        """Read one sighting; the look is recorded."""
        return cases.review.sighting(principal, sighting_id)

    @router.put("/sightings/{sighting_id}/answer", responses=problems(409))
    def give_answer(principal: Reviewer, sighting_id: SightingId, body: AnswerIn) -> SightingView:
        """Answer a sighting. An answer can be changed while nobody else has answered."""
        return cases.answering.answer(principal, sighting_id, body.answer)

    @router.get(
        "/sightings/{sighting_id}/pictures/{number}", responses=problems(409) | _PICTURE, response_class=Response
    )
    def read_picture(principal: Reviewer, sighting_id: SightingId, number: Number) -> Response:
        """Read one picture of a sighting of an open search; the look is recorded."""
        return picture(cases.pictures.crop(principal, sighting_id, number))


def _add_outcome(router: APIRouter, cases: ReviewUseCases, gate: Gate) -> None:
    Official = Annotated[Principal, Depends(gate.requires(Role.REQUESTER, Role.APPROVER))]  # noqa: N806 - a type

    @router.get("/searches/{request_id}/outcome", responses=problems())
    def read_outcome(principal: Official, request_id: RequestId) -> Outcome:
        """Read what review came to, as the requester of a search or one who decided on it."""
        return cases.results.outcome(principal, request_id)

    @router.get(
        "/sightings/{sighting_id}/confirmed/{number}", responses=problems(409) | _PICTURE, response_class=Response
    )
    def read_confirmed(principal: Official, sighting_id: SightingId, number: Number) -> Response:
        """Read one picture of a confirmed sighting, as the requester or one who decided; the look is recorded."""
        return picture(cases.pictures.confirmed_crop(principal, sighting_id, number))


def _add_stream(router: APIRouter, cases: ReviewUseCases, streams: Streams, gate: Gate) -> None:
    Reviewer = Annotated[Principal, Depends(gate.requires(Role.REVIEWER))]  # noqa: N806 - a type

    @router.get("/searches/{request_id}/stream", responses=problems() | _STREAM, response_class=Response)
    async def follow(
        principal: Reviewer,
        request_id: RequestId,
        since: Annotated[int, Query(ge=0, le=_NUMBER_MAX)] = 0,
        last_event_id: Annotated[str | None, Header(pattern=r"^\d{1,9}$")] = None,
    ) -> Response:
        """Follow a search as server-sent events: sighting, progress, number, reload, ended.

        The header Last-Event-ID resumes. A search that has ended has no stream: 204, and a browser asks no more.
        """
        streams.take(principal)
        try:
            is_open = await run_in_threadpool(cases.feed.open, principal, request_id)
        except BaseException:
            streams.give_back(principal)
            raise
        if not is_open:
            streams.give_back(principal)
            return Response(status_code=204)
        number = since if last_event_id is None else int(last_event_id)
        return EventStream(streams, principal, request_id, number)
