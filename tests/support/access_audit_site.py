"""The pages of the audit log over a log in memory, where a header says who asks."""

from collections.abc import Mapping
from typing import Final
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request

from homeward.access.people.principal import Principal
from homeward.access.web.app import build_app
from homeward.access.web.console.assets import Assets
from homeward.access.web.console.audit import audit_pages, transparency_page
from homeward.access.web.console.pages import Pages
from homeward.access.web.console.translations import Languages
from homeward.access.web.gate import Gate
from support.access_audit import AuditWorld
from support.access_console import Names

PERSON: Final = "x-test-person"


class ByHeader:
    """Believes whoever says who they are."""

    def __init__(self, people: Mapping[str, Principal]) -> None:
        self._people = people

    def authenticate(self, request: Request) -> Principal | None:
        return self._people.get(request.headers.get(PERSON, ""))


def audit_site(world: AuditWorld, people: Mapping[str, Principal]) -> FastAPI:
    """Return the pages."""
    assets = Assets()
    pages = Pages(assets, Languages(), ZoneInfo("Asia/Taipei"), world.clock, lambda _: "")
    routers = [
        assets.router(),
        audit_pages(world.log, world.export, pages, Gate(ByHeader(people), world.audit), Names()),
        transparency_page(world.transparency, pages),
    ]
    return build_app(routers, page=pages.error)
