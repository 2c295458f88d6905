"""The API of requests over HTTP, where a header says who asks."""

from typing import Final

from fastapi import FastAPI, Request

from homeward.access.cases.api import cases_router, receipts_router
from homeward.access.people.principal import Principal
from homeward.access.web.app import build_app
from homeward.access.web.gate import Gate
from support.access_cases import AUDITOR, COMMANDER, OFFICER, OPERATOR, REVIEWER, SUPERVISOR, CasesWorld

PERSON: Final = "x-test-person"
PEOPLE: Final = {
    "officer": OFFICER,
    "supervisor": SUPERVISOR,
    "commander": COMMANDER,
    "reviewer": REVIEWER,
    "auditor": AUDITOR,
    "operator": OPERATOR,
}


class ByHeader:
    """Believes whoever says who they are."""

    def authenticate(self, request: Request) -> Principal | None:
        return PEOPLE.get(request.headers.get(PERSON, ""))


def cases_app(world: CasesWorld) -> FastAPI:
    gate = Gate(ByHeader(), world.audit)
    return build_app([cases_router(world.cases, world.policy, gate), receipts_router(world.receipts)])
