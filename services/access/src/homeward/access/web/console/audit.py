"""The auditor's page, and the transparency report that anybody may read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response, StreamingResponse

from homeward.access.audit.api import ACTIONS, OUTCOMES
from homeward.access.audit.exporting import AuditExport
from homeward.access.audit.reading import AuditFilter, AuditLog, Place
from homeward.access.audit.transparency import Transparency
from homeward.access.errors import InvalidError
from homeward.access.people.principal import Principal, Role
from homeward.access.web.console.pages import Pages
from homeward.access.web.console.ports import Directory
from homeward.access.web.gate import Gate
from homeward.shared.audit_log.copy import MEDIA_TYPE

_LONGEST: Final = 100


def _(text: str) -> str:
    """Mark a text for the catalogues."""
    return text


ACTION_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "signed_in": _("Signed in"),
        "sign_in_failed": _("Sign-in failed"),
        "signed_out": _("Signed out"),
        "access_refused": _("Access refused"),
        "request_submitted": _("Request received"),
        "receipt_issued": _("Receipt issued"),
        "receipt_viewed": _("Receipt looked at"),
        "request_approved": _("Request approved"),
        "request_narrowed": _("Request approved for less"),
        "request_refused": _("Request refused"),
        "request_started": _("Started on one signature"),
        "request_stopped": _("Request stopped"),
        "request_withdrawn": _("Request withdrawn"),
        "request_expired": _("Request ran out"),
        "request_viewed": _("Request looked at"),
        "photo_viewed": _("Photo looked at"),
        "search_started": _("Search started"),
        "faces_compared": _("Faces compared"),
        "search_ended": _("Search ended"),
        "sighting_viewed": _("Sighting looked at"),
        "sighting_answered": _("Sighting answered"),
        "sighting_decided": _("Sighting decided"),
        "grant_given": _("Footage opened"),
        "footage_viewed": _("Footage looked at"),
        "released": _("Footage released"),
        "hold_placed": _("Hold placed"),
        "hold_released": _("Hold released"),
        "deleted": _("Deletion"),
        "key_changed": _("Signing key changed"),
        "policy_changed": _("Policy changed"),
        "audit_viewed": _("Audit log looked at"),
        "audit_exported": _("Audit log copied"),
        "camera_changed": _("Camera changed"),
    }
)
"""Every action, in words."""

FACT_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "request_id": _("request"),
        "authorisation_id": _("authorisation"),
        "sighting_id": _("sighting"),
        "camera_id": _("camera"),
        "hold_id": _("hold"),
        "deletion_id": _("deletion"),
        "key_id": _("key"),
        "purpose": _("purpose"),
        "code": _("code"),
        "faces_compared": _("faces compared"),
        "camera_seconds": _("seconds of footage"),
        "candidates": _("candidates"),
        "objects": _("objects"),
        "digest": _("digest"),
        "day": _("day"),
    }
)
"""Every other fact of a record, in words."""


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """What the address of the page says; what it does not know counts as none."""

    action: str = ""
    outcome: str = ""
    actor: str = ""
    concerning: str = ""
    since: str = ""
    until: str = ""
    after: str = ""

    def filter(self, read_field: Callable[[str], datetime]) -> AuditFilter:
        """Return the filter; `read_field` reads a time as the page's fields have it."""
        return AuditFilter(
            ACTIONS.get(self.action),
            OUTCOMES.get(self.outcome),
            self.actor.strip()[:_LONGEST] or None,
            self.concerning.strip()[:_LONGEST] or None,
            _time(self.since, "since", read_field),
            _time(self.until, "until", read_field),
        )

    def address(self, path: str, **changes: str) -> str:
        """Return `path` with the query as it is, but for `changes`; without a place, it is the first page."""
        told = {
            "action": self.action,
            "outcome": self.outcome,
            "actor": self.actor,
            "concerning": self.concerning,
            "since": self.since,
            "until": self.until,
        } | changes
        query = urlencode({name: value for name, value in told.items() if value})
        return f"{path}?{query}" if query else path


def audit_pages(log: AuditLog, export: AuditExport, pages: Pages, gate: Gate, directory: Directory) -> APIRouter:
    """Return the auditor's page and its copies. Each look is a record of its own."""
    router = APIRouter(include_in_schema=False)
    auditor = Annotated[Principal, Depends(gate.requires(Role.AUDITOR))]
    query = Annotated[AuditQuery, Depends()]

    @router.get("/audit")
    def listed(request: Request, principal: auditor, asked: query) -> Response:
        wanted = asked.filter(pages.instants(request).read_field)
        page = log.page(principal, wanted, Place.parse(asked.after) if asked.after else None)
        return pages.render(
            request,
            "audit/log.html",
            rows=page.rows,
            older=None if page.after is None else asked.address("/audit", after=str(page.after)),
            newest=asked.address("/audit") if asked.after else None,
            copy=asked.address("/audit/copy"),
            asked=asked,
            narrow=not wanted.empty,
            actions=ACTION_WORDS,
            facts=FACT_WORDS,
            names=directory.names({row.actor_id for row in page.rows}),
        )

    @router.get("/audit/copy")
    def copy(request: Request, principal: auditor, asked: query) -> StreamingResponse:
        wanted = asked.filter(pages.instants(request).read_field)
        headers = {"Content-Disposition": 'attachment; filename="audit.ndjson"', "Cache-Control": "no-store"}
        return StreamingResponse(export.export(principal, wanted), media_type=MEDIA_TYPE, headers=headers)

    return router


def transparency_page(transparency: Transparency, pages: Pages) -> APIRouter:
    """Return the public report."""
    router = APIRouter(include_in_schema=False)

    @router.get("/transparency")
    def report(request: Request) -> Response:
        return pages.render(request, "audit/transparency.html", report=transparency.report())

    return router


def _time(text: str, name: str, read_field: Callable[[str], datetime]) -> datetime | None:
    try:
        return read_field(text) if text else None
    except (ValueError, OverflowError) as error:
        raise InvalidError("time", "this is no time", field=name) from error
