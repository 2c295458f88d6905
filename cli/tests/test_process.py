import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeward.cli.embedded.process import ChildProcess, Command, ProcessError

READY = "import pathlib; pathlib.Path('ready').touch()\n"


@pytest.fixture
def children() -> Iterator[list[ChildProcess]]:
    started: list[ChildProcess] = []
    yield started
    for child in started:
        child.kill()


def python(folder: Path, script: str, children: list[ChildProcess], **environment: str) -> ChildProcess:
    child = ChildProcess(
        Command("the child", [sys.executable, "-c", script], folder, folder / "logs" / "child.log", environment)
    )
    children.append(child)
    return child


def gone(pid: int, within_s: float = 10.0) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_a_child_gets_its_folder_environment_and_log(tmp_path: Path, children: list[ChildProcess]) -> None:
    child = python(tmp_path, "import os; print(os.getcwd(), os.environ['COLOUR'], flush=True)", children, COLOUR="red")
    child.start()
    assert child.wait(20) == 0
    assert child.log_tail() == f"{tmp_path} red"
    assert child.log.stat().st_mode & 0o777 == 0o600


def test_a_child_inherits_no_variable_that_it_was_not_given(
    tmp_path: Path, children: list[ChildProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the shell")
    child = python(tmp_path, "import os; print(sorted(os.environ))", children)
    child.start()
    assert child.wait(20) == 0
    assert "AWS_SECRET_ACCESS_KEY" not in child.log_tail()
    assert "PATH" in child.log_tail()


def test_a_child_leaves_no_core(tmp_path: Path, children: list[ChildProcess]) -> None:
    child = python(tmp_path, "import resource; print(resource.getrlimit(resource.RLIMIT_CORE))", children)
    child.start()
    child.wait(20)
    assert child.log_tail() == "(0, 0)"


def test_ready_is_awaited_with_progress(tmp_path: Path, children: list[ChildProcess]) -> None:
    child = python(tmp_path, f"import time; time.sleep(0.3)\n{READY}time.sleep(60)", children)
    child.start()
    waited: list[float] = []
    child.wait_ready((tmp_path / "ready").exists, 20, waited.append)
    assert waited
    assert waited == sorted(waited)
    assert child.is_alive()


def test_a_child_that_ends_early_is_reported_with_its_last_lines(tmp_path: Path, children: list[ChildProcess]) -> None:
    child = python(tmp_path, "raise SystemExit('the disk is full')", children)
    child.start()
    with pytest.raises(ProcessError, match=r"the child ended before it was ready \(exit status 1\)") as caught:
        child.wait_ready(lambda: False, 20)
    assert "the disk is full" in str(caught.value)


def test_a_child_that_is_not_ready_in_time_is_reported(tmp_path: Path, children: list[ChildProcess]) -> None:
    child = python(tmp_path, "import time; time.sleep(60)", children)
    child.start()
    with pytest.raises(ProcessError, match=r"was not ready within 0\.2 s.*It wrote nothing to .*child\.log"):
        child.wait_ready(lambda: False, 0.2)
    assert child.is_alive()


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    child = ChildProcess(Command("weed", [tmp_path / "weed"], tmp_path, tmp_path / "log"))
    with pytest.raises(ProcessError, match=r"weed cannot be started: there is no program .*/weed"):
        child.start()


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    child = ChildProcess(Command("true", ["true"], tmp_path / "nowhere", tmp_path / "log"))
    with pytest.raises(ProcessError, match="cannot be started: No such file or directory"):
        child.start()
    assert not child.is_alive()


def test_stop_lets_a_child_finish(tmp_path: Path, children: list[ChildProcess]) -> None:
    script = f"import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n{READY}time.sleep(60)"
    child = python(tmp_path, script, children)
    child.start()
    child.wait_ready((tmp_path / "ready").exists, 20)
    assert child.stop() == 7
    assert not child.is_alive()
    assert child.stop() == 7


def test_stop_kills_a_child_that_does_not_listen(tmp_path: Path, children: list[ChildProcess]) -> None:
    script = f"import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{READY}time.sleep(60)"
    child = python(tmp_path, script, children)
    child.start()
    child.wait_ready((tmp_path / "ready").exists, 20)
    assert child.stop(grace_s=0.2) == -signal.SIGKILL


def test_kill_ends_what_the_child_started_too(tmp_path: Path, children: list[ChildProcess]) -> None:
    script = f"import subprocess, time\nprint(subprocess.Popen(['sleep', '60']).pid, flush=True)\n{READY}time.sleep(60)"
    child = python(tmp_path, script, children)
    child.start()
    child.wait_ready((tmp_path / "ready").exists, 20)
    child.kill()
    assert child.exit_status == -signal.SIGKILL
    assert gone(int(child.log_tail()))


def test_restart_is_another_process_with_the_same_log(tmp_path: Path, children: list[ChildProcess]) -> None:
    child = python(tmp_path, "import os, time; print(os.getpid(), flush=True); time.sleep(60)", children)
    child.start()
    child.wait_ready(lambda: len(child.log_tail().splitlines()) == 1, 20)
    first = child.pid
    child.restart()
    child.wait_ready(lambda: len(child.log_tail().splitlines()) == 2, 20)
    assert child.pid != first
    assert child.log_tail().splitlines() == [str(first), str(child.pid)]


def test_a_running_child_is_not_started_twice(tmp_path: Path, children: list[ChildProcess]) -> None:
    child = python(tmp_path, "import time; time.sleep(60)", children)
    child.start()
    with pytest.raises(ProcessError, match="runs already"):
        child.start()


def test_a_child_outlives_the_thread_that_started_it(tmp_path: Path, children: list[ChildProcess]) -> None:
    child = python(tmp_path, f"{READY}import time; time.sleep(60)", children)
    starter = threading.Thread(target=child.start)
    starter.start()
    starter.join()
    child.wait_ready((tmp_path / "ready").exists, 20)
    assert child.wait(0.5) is None


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, None])
@pytest.mark.parametrize("when", ["as it begins", "later"])
def test_a_child_dies_with_its_parent(tmp_path: Path, how: signal.Signals | None, when: str) -> None:
    parent = (
        "import sys, time, pathlib\n"
        "from homeward.cli.embedded.process import ChildProcess, Command\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "child = ChildProcess(Command('sleep', ['sleep', '60'], folder, folder / 'log'))\n"
        "child.start()\n"
        "print(child.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stdin is not None
        pid = int(running.stdout.readline())
        while when == "later" and b"prctl" in Path(f"/proc/{pid}/cmdline").read_bytes():
            time.sleep(0.02)  # until the program itself has taken the launcher's place
        os.kill(pid, 0)
        if how is None:
            running.stdin.close()
        else:
            running.send_signal(how)
        running.wait(20)
    assert gone(pid)


def test_a_long_log_is_moved_aside(
    tmp_path: Path, children: list[ChildProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("homeward.cli.embedded.process.LOG_LIMIT_BYTES", 4)
    child = python(tmp_path, "print('hello')", children)
    for _ in range(3):
        child.start()
        child.wait(20)
    assert child.log.read_text() == "hello\n"
    assert child.log.with_name("child.log.1").read_text() == "hello\n"
