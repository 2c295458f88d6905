"""One child process: started, waited for, stopped in time, and never left behind when its parent dies."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from homeward.shared.clock import Clock, SystemClock

INHERITED: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")
"""What a child takes over from the parent's environment; anything else it is told by `Command.environment`.

A credential or a setting of the shell that Homeward was started in would otherwise reach every program."""

LOG_LIMIT_BYTES: Final = 16 * 1024 * 1024
"""A log longer than this is moved aside when its program starts; with the one kept, two of them bound the disk."""

_POLL_S: Final = 0.05
_TAIL_LINES: Final = 20
_TAIL_BYTES: Final = 8192
_KILL_S: Final = 10.0  # a process that SIGKILL does not end within this is stuck in the kernel

# Runs in the child before the program itself: `preexec_fn` of subprocess is not safe in a process with threads.
# PR_SET_PDEATHSIG (1) outlives execve. The parent may have died before it was set, hence the look at getppid.
# A core would put what a program held in memory, templates too, on the disk.
_LAUNCHER: Final = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None, use_errno=True).prctl(1, 9, 0, 0, 0)
    if os.getppid() != int(sys.argv[1]):
        sys.exit(1)
try:
    os.execv(sys.argv[2], sys.argv[2:])
except OSError as error:
    sys.exit(f"{sys.argv[2]} cannot be started: {error.strerror}")
"""


class ProcessError(Exception):
    """A child process that did not start, did not get ready or ended by itself; the text ends with its log's tail."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to run: `name` for messages, `arguments` with the program first, `folder` to run in, `log` to append to.

    Secrets belong in `environment` or in files: arguments can be read by every user of the machine.
    """

    name: str
    arguments: Sequence[str | Path]
    folder: Path
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)


class ChildProcess:
    """A program run as a child, in a session of its own so that the terminal's Ctrl-C reaches the parent alone.

    When the parent dies, however it dies, the kernel kills the child (Linux; elsewhere a killed parent leaves it
    running). A thread of its own starts and awaits the child, since Linux takes the death of the starting *thread*
    for the parent's death. Safe to call from several threads.
    """

    def __init__(self, command: Command, *, clock: Clock | None = None) -> None:
        self._command = command
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._popen: subprocess.Popen[bytes] | None = None
        self._exited = threading.Event()
        self._exited.set()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def name(self) -> str:
        """The command's name."""
        return self._command.name

    @property
    def log(self) -> Path:
        """The file that holds what the child wrote."""
        return self._command.log

    @property
    def pid(self) -> int | None:
        """The child's process id, or None when none was started."""
        return None if self._popen is None else self._popen.pid

    @property
    def exit_status(self) -> int | None:
        """What the child ended with (a signal's number negated), or None while it runs or was never started."""
        return None if self._popen is None or not self._exited.is_set() else self._popen.returncode

    def is_alive(self) -> bool:
        """Return whether the child runs."""
        return not self._exited.is_set()

    def start(self) -> None:
        """Start the child; it need not be ready when this returns.

        Raises ProcessError when it runs already, the program is not to be found or the system refuses.
        """
        program = shutil.which(self._command.arguments[0])
        if program is None:
            raise ProcessError(f"{self.name} cannot be started: there is no program {self._command.arguments[0]}")
        with self._lock:
            if self.is_alive():
                raise ProcessError(f"{self.name} runs already")
            started: list[subprocess.Popen[bytes] | OSError] = []
            answered = threading.Event()
            exited = threading.Event()
            keeper = threading.Thread(
                target=self._keep, args=(program, started, answered, exited), name=f"keep {self.name}", daemon=True
            )
            keeper.start()
            answered.wait()
            outcome = started[0]
            if isinstance(outcome, OSError):
                raise ProcessError(f"{self.name} cannot be started: {outcome.strerror}") from outcome
            self._popen, self._exited = outcome, exited

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Block until the child has ended and return its exit status, or None after `timeout_s`."""
        return self.exit_status if self._exited.wait(timeout_s) else None

    def wait_ready(
        self,
        probe: Callable[[], bool],
        within_s: float,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        """Block until `probe` says True, asking every 50 ms; `progress` is told the seconds waited so far.

        Raises ProcessError when the child ends before, or is not ready `within_s` seconds from now. It is then left
        as it is: the caller stops it.
        """
        begun = self._clock.monotonic()
        while True:
            if not self.is_alive():
                raise self.failure("ended before it was ready")
            if probe():
                return
            waited = self._clock.monotonic() - begun
            if waited >= within_s:
                raise self.failure(f"was not ready within {within_s:g} s")
            if progress is not None:
                progress(waited)
            self._clock.sleep(_POLL_S)

    def stop(self, grace_s: float = 10.0) -> int | None:
        """Ask the child to end (SIGTERM), kill it after `grace_s`, and return its exit status; None if never started.

        One that has ended already is no error.
        """
        self._signal(signal.SIGTERM)
        if not self._exited.wait(grace_s):
            self.kill()
        return self.exit_status

    def kill(self) -> None:
        """End the child and whatever it started with SIGKILL, as a crash would; raise ProcessError if it stays."""
        self._signal(signal.SIGKILL, group=True)
        if not self._exited.wait(_KILL_S):
            raise self.failure(f"did not end within {_KILL_S:g} s of SIGKILL")

    def restart(self, grace_s: float = 10.0) -> None:
        """Stop the child if it runs, and start it again."""
        self.stop(grace_s)
        self.start()

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the child, such as SIGSTOP; one that has ended is no error."""
        self._signal(number)

    def log_tail(self, lines: int = _TAIL_LINES) -> str:
        """Return the last lines that the child wrote, or an empty text."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL_BYTES))
                return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""

    def failure(self, what: str) -> ProcessError:
        """Return the error that says `what` went wrong with this child, with its exit status and its last lines."""
        status = "" if self.exit_status is None else f" (exit status {self.exit_status})"
        tail = self.log_tail()
        shown = f"The last lines of {self.log}:\n{tail}" if tail else f"It wrote nothing to {self.log}."
        return ProcessError(f"{self.name} {what}{status}. {shown}")

    def _signal(self, number: signal.Signals, *, group: bool = False) -> None:
        # Under the lock the child cannot be reaped, so that its id cannot have become another process's.
        with self._lock:
            if self._popen is None or self._exited.is_set():
                return
            try:
                (os.killpg if group else os.kill)(self._popen.pid, number)
            except ProcessLookupError:
                # Its own session is not there yet in the instant between fork and setsid.
                os.kill(self._popen.pid, number)

    def _keep(
        self,
        program: str,
        started: list[subprocess.Popen[bytes] | OSError],
        answered: threading.Event,
        exited: threading.Event,
    ) -> None:
        try:
            popen = self._spawn(program)
        except OSError as error:
            started.append(error)
            return
        else:
            started.append(popen)
        finally:
            answered.set()
        # Learn of the end without reaping, then reap where nobody can be sending a signal.
        os.waitid(os.P_PID, popen.pid, os.WEXITED | os.WNOWAIT)
        with self._lock:
            popen.wait()
            exited.set()

    def _spawn(self, program: str) -> subprocess.Popen[bytes]:
        command = self._command
        environment = {name: os.environ[name] for name in INHERITED if name in os.environ} | dict(command.environment)
        launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), program]
        command.log.parent.mkdir(parents=True, exist_ok=True)
        if command.log.exists() and command.log.stat().st_size > LOG_LIMIT_BYTES:
            command.log.replace(command.log.with_name(f"{command.log.name}.1"))
        descriptor = os.open(command.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            return subprocess.Popen(  # noqa: S603 - the programs are Homeward's own parts
                [*launcher, *(str(argument) for argument in command.arguments[1:])],
                cwd=command.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        finally:
            os.close(descriptor)
