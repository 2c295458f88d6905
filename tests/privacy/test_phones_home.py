"""Nothing of Homeward, nor any part it brings, tries to reach an address that its configuration does not name."""

import sys

import pytest

from support.isolation import require_isolation, run_isolated


@pytest.fixture(autouse=True)
def _isolation() -> None:
    require_isolation()


DATAGRAM = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('203.0.113.9', 53))"
CONNECTION = """
import socket
with socket.socket() as client:
    client.settimeout(0.5)
    try:
        client.connect(("198.51.100.7", 443))
    except OSError:
        pass
"""


@pytest.mark.parametrize(
    ("code", "reached"), [(DATAGRAM, "203.0.113.9"), (CONNECTION, "198.51.100.7")], ids=["datagram", "connection"]
)
def test_an_attempt_is_seen(code: str, reached: str) -> None:
    ended = run_isolated([sys.executable, "-c", code], 30, {})
    assert ended.status == 0, ended.output
    assert ended.attempts == [reached]


def test_loopback_is_no_attempt() -> None:
    code = "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname())"
    ended = run_isolated([sys.executable, "-c", code], 30, {})
    assert (ended.status, ended.attempts) == (0, []), ended.output
