import _socket
import platform
import sys
import threading

import pytest

from homeward.detection.adapters.offline_thread import OfflineThread, OfflineUnavailableError

# `_socket` and not `socket`, which a unit test may not use: no address is ever named here.
_FAMILIES = (_socket.AF_INET, _socket.AF_INET6, _socket.AF_UNIX)

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in {"x86_64", "aarch64"}, reason="needs seccomp of Linux"
)


def _can_make_sockets() -> list[bool]:
    made = []
    for family in _FAMILIES:
        try:
            _socket.socket(family, _socket.SOCK_DGRAM).close()
        except PermissionError:
            made.append(False)
        else:
            made.append(True)
    return made


def _in_a_thread_of_its_own() -> list[bool]:
    answers: list[list[bool]] = []
    thread = threading.Thread(target=lambda: answers.append(_can_make_sockets()))
    thread.start()
    thread.join()
    return answers[0]


@pytest.fixture
def thread() -> object:
    offline = OfflineThread("test")
    yield offline
    offline.close()


def test_nothing_on_the_thread_or_below_it_makes_a_socket(thread: OfflineThread) -> None:
    assert thread.call(_can_make_sockets) == [False] * 3
    assert thread.call(_in_a_thread_of_its_own) == [False] * 3


def test_everything_else_makes_sockets_as_before(thread: OfflineThread) -> None:
    thread.call(_can_make_sockets)
    assert _can_make_sockets() == [True] * 3
    assert _in_a_thread_of_its_own() == [True] * 3


def test_work_gives_back_what_it_returns_and_raises(thread: OfflineThread) -> None:
    assert thread.call(lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        thread.call(lambda: 1 // 0)


def test_an_unknown_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(OfflineUnavailableError, match="x86_64"):
        OfflineThread("test")
