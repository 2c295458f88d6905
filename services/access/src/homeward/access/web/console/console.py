"""Every page of the console that this package makes, as routers."""

from collections.abc import Callable, Sequence

from fastapi import APIRouter, Request

from homeward.access.cases.policy import Policy
from homeward.access.footage.plan import SitePlan
from homeward.access.web.console.ask import ask_router
from homeward.access.web.console.assets import Assets
from homeward.access.web.console.decisions import Deeds, decisions_router
from homeward.access.web.console.home import home_router
from homeward.access.web.console.pages import Pages
from homeward.access.web.console.ports import CameraBook, CaseFile, Directory, ReceiptDesk
from homeward.access.web.console.receipts import receipts_router
from homeward.access.web.console.requests import RequestPages, requests_router
from homeward.access.web.console.site import site_router
from homeward.access.web.console.translations import Languages
from homeward.access.web.gate import Gate


def console_routers(
    pages: Pages,
    assets: Assets,
    languages: Languages,
    gate: Gate,
    *,
    cases: CaseFile,
    receipts: ReceiptDesk,
    cameras: CameraBook,
    directory: Directory,
    policy: Policy,
    public_url: str,
    client_address: Callable[[Request], str],
    plan: SitePlan | None = None,
) -> Sequence[APIRouter]:
    """Return the routers of the console.

    `public_url` is how browsers reach it, for receipts and cookies; `client_address` says where a request comes from;
    `plan` is the operator's, by which cameras are chosen by area.
    """
    request_pages = RequestPages(pages, cameras, directory)
    return (
        assets.router(),
        site_router(pages, languages, https=public_url.startswith("https:")),
        home_router(pages, gate, cases, directory, policy),
        ask_router(
            pages,
            gate,
            cases,
            cameras,
            policy=policy,
            public_url=public_url,
            places={} if plan is None else plan.places,
        ),
        requests_router(pages, request_pages, gate, cases, directory),
        decisions_router(pages, Deeds(pages, request_pages, cases), gate, cases),
        receipts_router(pages, receipts, client_address),
    )
