"""Whatever a program sends, the API of requests answers as its document says, and never with a server's error."""

from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from homeward.access.cases.model import Approval
from support.access_cases import COMMANDER, REASON, CasesWorld
from support.access_http import PERSON, cases_app

ROUTES = 11
# Not that every request of the right shape is taken: a policy and a law stand behind the shapes.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def test_the_document_is_true() -> None:
    world = CasesWorld()
    made = world.ask()
    world.cases.approve(COMMANDER, made.request_id, Approval(REASON))
    document = schemathesis.openapi.from_asgi("/api/v1/openapi.json", cases_app(world))
    assert document.raw_schema["openapi"].startswith("3.1")
    operations = [found.ok() for found in document.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) == ROUTES
    for operation in operations:

        @settings(
            max_examples=20,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def answers_as_it_says(case: Any) -> None:
            case.call_and_validate(headers={PERSON: "commander"}, checks=CHECKS)

        answers_as_it_says()
