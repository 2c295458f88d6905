"""The Go toolchain, and programs built from Go modules once for all test runs."""

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_LEAST = (1, 25)
_BUILD_S = 1500


def cache_folder() -> Path:
    """Return where built programs are kept: HOMEWARD_TEST_CACHE, or .cache of the checkout."""
    return Path(os.environ.get("HOMEWARD_TEST_CACHE") or _ROOT / ".cache")


def installed_by_go(module: str, version: str, name: str) -> Path:
    """Return the program `name` of a module, built on the first call ever; later ones need neither Go nor a network.

    Where it has to be built and there is no Go, the test is skipped; with CI=true it fails, since CI skips nothing.
    """

    def build(go: Path, building: Path) -> None:
        _run(go, building, "install", "-ldflags=-s -w", f"{module}@{version}")

    return _built_once(f"{name}-{version}", name, build)


def built_by_go(package: str, modules: Mapping[str, str], name: str) -> Path:
    """Return the program `name` of `package`, built against `modules`, versions by path; otherwise as above.

    This is for a module that `go install` refuses, since it replaces another by a folder of its own: both are named.
    """
    wanted = [f"{module}@{version}" for module, version in modules.items()]

    def build(go: Path, building: Path) -> None:
        _run(go, building, "mod", "init", "homeward.test/building")
        _run(go, building, "get", *wanted)
        _run(go, building, "build", "-mod=mod", "-ldflags=-s -w", "-o", str(building / name), package)

    return _built_once(f"{name}-{next(iter(modules.values()))}", name, build)


def _built_once(folder: str, name: str, build: Callable[[Path, Path], None]) -> Path:
    program = cache_folder() / "go-programs" / folder / name
    program.parent.mkdir(parents=True, exist_ok=True)
    with (program.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs must not build side by side
        if not program.exists():
            building = program.parent / "building"
            shutil.rmtree(building, ignore_errors=True)
            building.mkdir()
            build(_go(), building)
            (building / name).replace(program)
            shutil.rmtree(building)
    return program


def _go() -> Path:
    for candidate in (shutil.which("go"), cache_folder() / "go" / "go" / "bin" / "go"):
        if candidate is not None and _is_new_enough(Path(candidate)):
            return Path(candidate)
    missing = f"needs Go {'.'.join(map(str, _LEAST))} or newer on the PATH; `.ci/install` brings it"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


def _is_new_enough(go: Path) -> bool:
    if not go.exists():
        return False
    shown = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"go(\d+)\.(\d+)", shown)
    return found is not None and (int(found[1]), int(found[2])) >= _LEAST


def _run(go: Path, building: Path, *arguments: str) -> None:
    flags = {"GOBIN": str(building), "GOFLAGS": "-trimpath", "CGO_ENABLED": "0"}
    done = subprocess.run(
        [go, *arguments],
        cwd=building,
        env=os.environ | flags,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_BUILD_S,
        check=False,
    )
    if done.returncode != 0:
        pytest.fail(f"go {' '.join(arguments)} failed:\n{done.stdout[-2000:]}")
