"""The API of cameras, their coverage, and grants."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, Field

from homeward.access.footage.footage import CameraCoverage, Footage
from homeward.access.footage.grants import GrantView
from homeward.access.people.principal import Principal
from homeward.access.web.app import API
from homeward.access.web.gate import Gate
from homeward.access.web.problems import problems
from homeward.shared.coverage import Stretch
from homewardapi.clip.v1.clip_pb2 import GapCause

CameraId = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")]


class CameraOut(BaseModel):
    """A camera."""

    camera_id: str
    display_name: str
    enabled: bool
    scheduled: bool = Field(description="Whether it is recorded at some hours of the week alone.")
    retention_s: float = Field(description="Seconds that its footage is kept.")


class StretchOut(BaseModel):
    """[starts_at, ends_at)."""

    starts_at: datetime
    ends_at: datetime


class GapOut(StretchOut):
    """A stretch without footage."""

    cause: str = Field(description="Why: the name of the contract's GapCause.")


class CoverageOut(BaseModel):
    """What became of a camera's time."""

    camera: CameraOut
    since: datetime
    until: datetime
    percent: float | None = Field(description="Footage in percent of what was to be recorded, rounded down.")
    footage: list[StretchOut]
    gaps: list[GapOut]
    untold: list[StretchOut] = Field(description="Time of which nothing has been told.")


class GrantOut(BaseModel):
    """Footage that is open to whoever asks."""

    grant_id: str
    request_id: str
    camera_id: str
    starts_at: datetime
    ends_at: datetime
    until: datetime
    grade: Literal["redacted", "unredacted"] = Field(description="Whether every face is covered.")


def footage_router(footage: Footage, gate: Gate) -> APIRouter:
    """Return the routes. None of them gives out a frame of footage."""
    router = APIRouter(prefix=API, tags=["footage"], responses=problems())
    anybody = Annotated[Principal, Depends(gate.anybody)]

    @router.get("/cameras", summary="The cameras, by name")
    def cameras(
        principal: anybody,
        words: Annotated[str, Query(max_length=100, description="Those alone whose id or name holds each word.")] = "",
    ) -> list[CameraOut]:
        return [
            CameraOut(
                camera_id=camera.camera_id,
                display_name=camera.display_name,
                enabled=camera.enabled,
                scheduled=camera.scheduled,
                retention_s=camera.retention.total_seconds(),
            )
            for camera in footage.cameras(principal, words)
        ]

    @router.get("/cameras/{camera_id}/coverage", summary="Footage and gaps of a camera's window, by default a day")
    def coverage(
        principal: anybody,
        camera_id: CameraId,
        since: AwareDatetime | None = None,
        until: AwareDatetime | None = None,
    ) -> CoverageOut:
        return _coverage(footage.coverage(principal, camera_id, since, until))

    @router.get("/grants", summary="The footage that is open to whoever asks")
    def grants(principal: anybody) -> list[GrantOut]:
        return [_grant(grant) for grant in footage.grants(principal)]

    @router.get("/cameras/{camera_id}/grant", summary="Whether a window of a camera is open to whoever asks; recorded")
    def grant(
        principal: anybody,
        camera_id: CameraId,
        starts_at: AwareDatetime,
        ends_at: AwareDatetime,
    ) -> GrantOut:
        return _grant(footage.permit(principal, camera_id, starts_at, ends_at))

    return router


def _coverage(found: CameraCoverage) -> CoverageOut:
    camera, told = found.camera, found.coverage
    hundredths = told.hundredths_of_percent
    return CoverageOut(
        camera=CameraOut(
            camera_id=camera.camera_id,
            display_name=camera.display_name,
            enabled=camera.enabled,
            scheduled=camera.scheduled,
            retention_s=camera.retention.total_seconds(),
        ),
        since=told.window.starts_at,
        until=told.window.ends_at,
        percent=None if hundredths is None else hundredths / 100,
        footage=_stretches(told.footage),
        gaps=[
            GapOut(starts_at=gap.starts_at, ends_at=gap.ends_at, cause=GapCause.Name(gap.cause)) for gap in told.gaps
        ],
        untold=_stretches(told.untold),
    )


def _stretches(stretches: Sequence[Stretch]) -> list[StretchOut]:
    return [StretchOut(starts_at=one.starts_at, ends_at=one.ends_at) for one in stretches]


def _grant(grant: GrantView) -> GrantOut:
    return GrantOut(
        grant_id=grant.grant_id,
        request_id=grant.request_id,
        camera_id=grant.camera_id,
        starts_at=grant.starts_at,
        ends_at=grant.ends_at,
        until=grant.until,
        grade="unredacted" if grant.unredacted else "redacted",
    )
