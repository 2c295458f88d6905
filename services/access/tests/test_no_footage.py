"""No route of access gives out a frame of footage: that is for a service that hides faces."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from homeward import access as package
from support.access_whole import GROUPS, WholeAccess

_SOURCE: Final = Path(str(package.__file__)).parent


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeAccess]:
    with pytest.MonkeyPatch.context() as patched:
        yield WholeAccess(patched, tmp_path_factory.mktemp("access"))


def test_the_whole_of_access_knows_neither_the_bucket_of_footage_nor_a_way_past_itself() -> None:
    for path in _SOURCE.rglob("*.py"):
        text = path.read_text()
        assert "FOOTAGE_BUCKET" not in text, path.name
        assert "footage_key" not in text, path.name
        # A link that is signed for the store would be a way around every check.
        assert "presign" not in text, path.name


@pytest.mark.parametrize("who", GROUPS)
def test_no_route_declares_or_answers_a_video(access: WholeAccess, who: str) -> None:
    client = access.client(who)
    document = client.get("/api/v1/openapi.json").json()
    declared = {
        kind
        for operations in document["paths"].values()
        for operation in operations.values()
        for answer in operation.get("responses", {}).values()
        for kind in answer.get("content", {})
    }
    assert declared
    assert not [kind for kind in declared if kind.startswith("video/")]
    for method, path in access.routes():
        if method == "GET" and "{" not in path and "sign" not in path:
            answer = client.get(path)
            assert not answer.headers.get("content-type", "").startswith("video/"), path
            assert b"ftyp" not in answer.content[:64], path
