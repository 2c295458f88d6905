"""Whatever a program sends, the whole API answers as its document says, and never with a server's error."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import pytest
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

from support.access_whole import GROUPS, WholeAccess

CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
HOST: Final = {"Host": "homeward.test"}
# These last, or end what the others need.
APART: Final = ("/stream", "/sign-out-everywhere")


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeAccess]:
    with pytest.MonkeyPatch.context() as patched:
        yield WholeAccess(patched, tmp_path_factory.mktemp("access"))


@pytest.mark.parametrize("who", ["everybody", "nobody"])
def test_the_document_is_true(access: WholeAccess, who: str) -> None:
    document = schemathesis.openapi.from_dict(access.client().get("/api/v1/openapi.json").json())
    document.app = access.app
    operations = [found.ok() for found in document.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) > 20
    groups = sorted({group for groups in GROUPS.values() for group in groups})
    now = int(access.clock.now().timestamp())
    token = access.provider.bearer(groups=groups, exp=now + 3600)
    headers = HOST | ({"Authorization": f"Bearer {token}"} if who == "everybody" else {})
    for operation in operations:
        if operation.path.endswith(APART):
            continue

        @settings(
            max_examples=10,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def answers_as_it_says(case: Any) -> None:
            # Slower than the limits, which are another test's.
            access.clock.move(timedelta(seconds=0.2))
            case.call_and_validate(headers=headers, checks=CHECKS)

        answers_as_it_says()
