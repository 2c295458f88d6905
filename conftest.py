"""Rules for every test: a unit test opens no socket, any other test only loopback ones."""

from pathlib import Path

import pytest
from pytest_socket import disable_socket, enable_socket, socket_allow_hosts

pytest_plugins = ["support.chromium"]
_ROOT = Path(__file__).parent
_WITH_SOCKETS = _ROOT / "tests"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Unit tests stand beside their package; what needs a broker, a store or a peer stands in tests/."""
    enable_socket()
    if _WITH_SOCKETS in item.path.parents:
        socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)
    else:
        disable_socket(allow_unix_socket=True)
