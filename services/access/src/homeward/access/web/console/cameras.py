"""The pages of cameras: which there are and where, what is recorded of them, and what is open to whoever looks."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from homeward.access.errors import NotFoundError
from homeward.access.footage.footage import Footage
from homeward.access.footage.plan import SitePlan
from homeward.access.people.principal import Principal, Role
from homeward.access.web.console.pages import Pages
from homeward.access.web.gate import Gate
from homeward.shared.coverage import Stretch, WindowCoverage
from homewardapi.clip.v1 import clip_pb2
from homewardapi.clip.v1.clip_pb2 import GapCause

_WINDOWS: Final = {"1": timedelta(days=1), "7": timedelta(days=7), "30": timedelta(days=30)}


def _(text: str) -> str:
    """Mark a text for the catalogues."""
    return text


CAUSES: Final = {
    clip_pb2.GAP_CAUSE_SOURCE_UNREACHABLE: _("The camera could not be reached"),
    clip_pb2.GAP_CAUSE_SOURCE_LOST: _("The connection to the camera was lost"),
    clip_pb2.GAP_CAUSE_CORRUPT: _("What the camera sent was damaged"),
    clip_pb2.GAP_CAUSE_RECORDER_DOWN: _("No recorder was running"),
    clip_pb2.GAP_CAUSE_SPOOL_OVERFLOW: _("The recorder's disk was full"),
    clip_pb2.GAP_CAUSE_CLOCK_JUMP: _("The camera's clock jumped"),
    clip_pb2.GAP_CAUSE_PACKETS_LOST: _("Parts were lost on the network"),
    clip_pb2.GAP_CAUSE_NOT_SCHEDULED: _("Not recorded at this hour, as scheduled"),
    clip_pb2.GAP_CAUSE_DISABLED: _("Switched off by an operator"),
    clip_pb2.GAP_CAUSE_NOT_IMPORTED: _("Not imported yet"),
}
"""Every cause of a gap, in words."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch on the line of a window: `left` and `width` in percent of it; `kind` is footage, gap or untold."""

    left: float
    width: float
    kind: str


def cameras_router(footage: Footage, plan: SitePlan | None, pages: Pages, gate: Gate) -> APIRouter:
    """Return the pages. `plan` is the operator's, None where there is none: then cameras are a list alone."""
    router = APIRouter(include_in_schema=False)
    somebody = Annotated[Principal, Depends(gate.requires(Role.REQUESTER, Role.APPROVER, Role.REVIEWER, Role.OPERATOR))]

    @router.get("/cameras")
    def cameras(
        request: Request,
        principal: somebody,
        words: Annotated[str, Query(max_length=100)] = "",
    ) -> Response:
        found = footage.cameras(principal, words)
        places = plan.places if plan is not None else {}
        return pages.render(
            request,
            "footage/cameras.html",
            cameras=found,
            words=words,
            places={camera.camera_id: places[camera.camera_id] for camera in found if camera.camera_id in places},
            plan=plan is not None,
            grants=footage.grants(principal),
        )

    @router.get("/cameras/plan")
    def picture(principal: somebody) -> Response:
        del principal
        if plan is None:
            raise NotFoundError("plan", "no plan of the site is set")
        return Response(plan.picture, media_type=plan.media_type, headers={"Cache-Control": "private, max-age=300"})

    @router.get("/cameras/{camera_id}")
    def camera(
        request: Request,
        principal: somebody,
        camera_id: str,
        days: Annotated[str, Query(pattern="^(1|7|30)$")] = "1",
        until: str = "",
    ) -> Response:
        ends = _read(until, pages.instants(request).read_field)
        length = _WINDOWS[days]
        since = None if ends is None else ends - length
        found = (
            footage.coverage(principal, camera_id, since, ends)
            if ends is not None
            else footage.recent(principal, camera_id, length)
        )
        told = found.coverage
        return pages.render(
            request,
            "footage/camera.html",
            camera=found.camera,
            told=told,
            bars=bars(told),
            causes=CAUSES,
            days=days,
            choices=_WINDOWS,
            until=until,
        )

    return router


def bars(told: WindowCoverage) -> list[Bar]:
    """Return a window as a line of stretches, in order."""
    kinds: list[tuple[Stretch, str]] = [
        *((one, "footage") for one in told.footage),
        *((one, "planned" if one.cause in _PLANNED else "gap") for one in told.gaps),
        *((one, "untold") for one in told.untold),
    ]
    whole = told.window.length
    return [
        Bar(round((one.starts_at - told.window.starts_at) / whole * 100, 3), round(one.length / whole * 100, 3), kind)
        for one, kind in sorted(kinds, key=lambda pair: pair[0].starts_at)
    ]


_PLANNED: Final[frozenset[GapCause.ValueType]] = frozenset(
    {clip_pb2.GAP_CAUSE_NOT_SCHEDULED, clip_pb2.GAP_CAUSE_DISABLED}
)


def _read(text: str, read_field: Callable[[str], datetime]) -> datetime | None:
    """Return the instant of a field of the page, None where it is empty or no time."""
    try:
        return read_field(text) if text else None
    except ValueError:
        return None
