from collections.abc import Iterator

import pytest
from fastapi import APIRouter, Request, Response
from starlette.testclient import TestClient

from homeward.access.people.rates import RateLimiter
from homeward.access.web.app import build_app
from homeward.access.web.client import ClientAddress, client_address
from homeward.access.web.limits import Limits
from homeward.access.web.security import SecurityHeaders, Shield
from support.access_world import MovableClock

ORIGIN = "https://homeward.test:8443"


def site(*, per_minute: int = 1_000, hops: int = 0, public_url: str = ORIGIN) -> TestClient:
    router = APIRouter()

    @router.get("/")
    def home(request: Request) -> str:
        return client_address(request)

    @router.get("/kept")
    def kept() -> Response:
        return Response("kept", headers={"Cache-Control": "max-age=60", "X-Frame-Options": "ALLOWALL"})

    @router.post("/body")
    async def body(request: Request) -> int:
        return len(await request.body())

    @router.post("/json")
    def json(body: dict[str, str]) -> int:
        return len(body)

    @router.get("/broken")
    def broken() -> None:
        raise RuntimeError("a name that nobody may see")

    shield = Shield(
        SecurityHeaders(public_url, ["https://provider.test"]),
        public_url=public_url,
        limits=Limits(body_bytes=1_000, upload_bytes=5_000),
        address=ClientAddress(hops),
        limiter=RateLimiter(MovableClock(), per_minute=per_minute, burst=per_minute),
    )
    return TestClient(build_app([router], shield=shield), base_url=public_url, raise_server_exceptions=False)


@pytest.fixture
def client() -> TestClient:
    return site()


def test_every_answer_carries_the_headers(client: TestClient) -> None:
    paths = {"/": 200, "/nowhere": 404, "/broken": 500, "/api/v1/openapi.json": 200}
    answers = [client.get(path) for path in paths]
    answers += [client.get("/", headers={"Host": "evil.test"}), client.post("/body", content=b"x" * 2_000)]
    assert [answer.status_code for answer in answers] == [*paths.values(), 421, 413]
    for answer in answers:
        policy = answer.headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "script-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"} <= set(policy)
        assert "form-action 'self' https://provider.test" in policy
        assert not any(word in " ".join(policy) for word in ("unsafe", "*", "http:", "data:"))
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["strict-transport-security"].startswith("max-age=63072000")
        assert answer.headers["cache-control"] == "no-store"


def test_a_route_may_let_itself_be_kept_and_weaken_nothing(client: TestClient) -> None:
    answer = client.get("/kept")
    assert answer.headers["cache-control"] == "max-age=60"
    assert answer.headers.get_list("x-frame-options") == ["DENY"]


def test_without_tls_no_browser_is_told_to_insist_on_it() -> None:
    assert "strict-transport-security" not in site(public_url="http://127.0.0.1:8080").get("/").headers


def test_a_failure_tells_nothing_of_itself(client: TestClient) -> None:
    answer = client.get("/broken")
    assert answer.json()["code"] == "failed"
    assert "nobody may see" not in answer.text


@pytest.mark.parametrize(
    "host", ["evil.test", "homeward.test", "homeward.test:8443.evil.test", "homeward.test:80", "", "127.0.0.1:8443"]
)
def test_another_host_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 421


def test_two_hosts_are_refused(client: TestClient) -> None:
    headers = [("Host", "homeward.test:8443"), ("Host", "evil.test")]
    assert client.get("/", headers=headers).status_code == 421


def test_the_host_of_a_proxy_is_not_believed(client: TestClient) -> None:
    assert client.get("/", headers={"X-Forwarded-Host": "evil.test"}).status_code == 200
    assert client.get("/", headers={"Host": "HOMEWARD.test:8443"}).status_code == 200


def parts(size: int, count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield b"x" * size


def test_a_large_body_is_refused_before_it_is_read(client: TestClient) -> None:
    assert client.post("/body", content=b"x" * 1_000).json() == 1_000
    answer = client.post("/body", content=b"x" * 1_001)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert answer.headers["connection"] == "close"


def test_a_body_that_does_not_tell_its_length_is_read_to_the_limit(client: TestClient) -> None:
    assert client.post("/body", content=parts(250, 4)).json() == 1_000
    assert client.post("/body", content=parts(250, 5)).status_code == 413
    answer = client.post("/json", content=parts(250, 5), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413


def test_a_form_with_files_may_be_larger(client: TestClient) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert client.post("/body", content=b"x" * 5_000, headers=headers).json() == 5_000
    assert client.post("/body", content=b"x" * 5_001, headers=headers).status_code == 413


@pytest.mark.parametrize("length", ["-1", "1e3", "9" * 5_000, "0x10", "\u0661"])
def test_a_length_that_is_none_is_refused(client: TestClient, length: str) -> None:
    headers = [(b"Content-Length", length.encode())]
    assert client.post("/body", headers=headers).status_code == 413


def test_large_headers_and_addresses_are_refused(client: TestClient) -> None:
    assert client.get("/", headers={"Cookie": "a" * 17_000}).status_code == 431
    assert client.get("/", headers={f"X-{number}": "1" for number in range(120)}).status_code == 431
    assert client.get("/", params={"q": "a" * 9_000}).status_code == 414


def test_an_address_is_limited() -> None:
    client = site(per_minute=3, hops=1)
    mine, other = {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-For": "192.0.2.2"}
    assert [client.get("/", headers=mine).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert client.get("/", headers=mine).headers["retry-after"] == "20"
    assert client.get("/", headers=other).status_code == 200


@pytest.mark.parametrize(
    ("hops", "forwarded", "address"),
    [
        (0, ["192.0.2.1"], "unknown"),  # the test client's peer has no address
        (1, [], "unknown"),
        (1, ["192.0.2.1"], "192.0.2.1"),
        (1, ["198.51.100.9, 192.0.2.1"], "192.0.2.1"),
        (1, ["198.51.100.9", "192.0.2.1"], "192.0.2.1"),
        (2, ["198.51.100.9, 192.0.2.1, 10.0.0.1"], "192.0.2.1"),
        (2, ["10.0.0.1"], "unknown"),
        (1, ["somebody"], "unknown"),
        (1, ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        (1, ["::ffff:192.0.2.1"], "192.0.2.1"),
    ],
)
def test_what_a_client_says_of_itself_is_not_believed(hops: int, forwarded: list[str], address: str) -> None:
    headers = [("X-Forwarded-For", one) for one in forwarded]
    assert site(hops=hops).get("/", headers=headers).json() == address
