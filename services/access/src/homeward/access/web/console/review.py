"""The pages of review: searches, their sightings, one sighting with its answer, and what became of it all."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from homeward.access.errors import ConflictError
from homeward.access.footage.plan import SitePlan
from homeward.access.people.principal import Principal, Role
from homeward.access.review.model import SightingList
from homeward.access.review.usecases import ReviewUseCases
from homeward.access.review.verdict import Answer
from homeward.access.web.console.pages import Pages
from homeward.access.web.console.ports import CameraBook
from homeward.access.web.console.sightings import Places, figures, timeline
from homeward.access.web.gate import Gate

_UUID: Final = r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_CONFLICTS: Final = frozenset({"ended", "answered", "decided"})

Id = Annotated[str, Path(pattern=_UUID)]


def review_pages(
    cases: ReviewUseCases, cameras: CameraBook, plan: SitePlan | None, pages: Pages, gate: Gate
) -> APIRouter:
    """Return the pages. Pictures are the API's, one a look; nothing is in a page that a look does not record."""
    router = APIRouter(include_in_schema=False)
    places = _places(cameras, plan)
    router.include_router(_searches(cases, places, pages, gate))
    router.include_router(_sightings(cases, places, pages, gate))
    router.include_router(_outcome(cases, places, pages, gate))
    return router


def _places(cameras: CameraBook, plan: SitePlan | None) -> Callable[[], Places]:
    on_plan = {} if plan is None else plan.places
    return lambda: Places({camera.camera_id: camera.name for camera in cameras.choices()}, on_plan)


def _searches(cases: ReviewUseCases, places: Callable[[], Places], pages: Pages, gate: Gate) -> APIRouter:
    router = APIRouter()
    reviewer = Annotated[Principal, Depends(gate.requires(Role.REVIEWER))]

    @router.get("/review")
    def searches(request: Request, principal: reviewer) -> Response:
        return pages.render(request, "review/searches.html", searches=cases.review.searches(principal))

    @router.get("/review/searches/{request_id}")
    def search(
        request: Request,
        principal: reviewer,
        request_id: Id,
        after: Annotated[str | None, Query(pattern=_UUID)] = None,
        done: str = "",
    ) -> Response:
        view = cases.review.search(principal, request_id)
        part = cases.review.sightings(principal, request_id, after)
        return pages.render(
            request,
            "review/search.html",
            view=view,
            after=after,
            done=done == "yes",
            following=view.ended_at is None and after is None,
            **_listed(part, places()),
        )

    @router.get("/review/searches/{request_id}/list")
    def listed(request: Request, principal: reviewer, request_id: Id) -> Response:
        view = cases.review.search(principal, request_id)
        part = cases.review.sightings(principal, request_id)
        return pages.render(request, "review/news.html", view=view, after=None, **_listed(part, places()))

    @router.get("/review/searches/{request_id}/next")
    def following(principal: reviewer, request_id: Id) -> Response:
        return _onward(cases, principal, request_id)

    return router


def _sightings(cases: ReviewUseCases, places: Callable[[], Places], pages: Pages, gate: Gate) -> APIRouter:
    router = APIRouter()
    reviewer = Annotated[Principal, Depends(gate.requires(Role.REVIEWER))]

    @router.get("/review/sightings/{sighting_id}")
    def sighting(
        request: Request,
        principal: reviewer,
        sighting_id: Id,
        conflict: str = "",
    ) -> Response:
        view = cases.review.sighting(principal, sighting_id)
        return pages.render(
            request,
            "review/sighting.html",
            view=view,
            case=cases.review.search(principal, view.request_id),
            known=places(),
            figures=figures(view),
            conflict=conflict if conflict in _CONFLICTS else "",
        )

    @router.post("/review/sightings/{sighting_id}/answer")
    def answer(principal: reviewer, sighting_id: Id, answer: Annotated[Answer, Form()]) -> Response:
        try:
            view = cases.answering.answer(principal, sighting_id, answer)
        except ConflictError as error:
            # The page says why, and shows how the sighting stands.
            return RedirectResponse(f"/review/sightings/{sighting_id}?conflict={error.code}", HTTPStatus.SEE_OTHER)
        return _onward(cases, principal, view.request_id)

    return router


def _outcome(cases: ReviewUseCases, places: Callable[[], Places], pages: Pages, gate: Gate) -> APIRouter:
    router = APIRouter()
    official = Annotated[Principal, Depends(gate.requires(Role.REQUESTER, Role.APPROVER))]

    @router.get("/requests/{request_id}/sightings")
    def outcome(request: Request, principal: official, request_id: Id) -> Response:
        found = cases.results.outcome(principal, request_id)
        known = places()
        return pages.render(
            request,
            "review/outcome.html",
            request_id=request_id,
            outcome=found,
            known=known,
            tracks=timeline(found.confirmed, known),
        )

    return router


def _listed(part: SightingList, places: Places) -> dict[str, Any]:
    return {"part": part, "known": places, "tracks": timeline(part.sightings, places), "figures": figures}


def _onward(cases: ReviewUseCases, principal: Principal, request_id: str) -> Response:
    """Return the way to the best sighting that awaits an answer, or back to the list when none does."""
    best = cases.review.next_asked(principal, request_id)
    onward = f"/review/searches/{request_id}?done=yes" if best is None else f"/review/sightings/{best}"
    return RedirectResponse(onward, HTTPStatus.SEE_OTHER)
