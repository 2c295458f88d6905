"""axe-core, which judges pages by WCAG: fetched from npm once, and kept."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from support.golang import cache_folder

VERSION: Final = "4.14.1"
_SHA256: Final = "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745"
"""Of the package as npm serves it. axe-core is MPL-2.0, and no part of the product."""

RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a page breaks, and where."""

    rule: str
    help: str
    places: tuple[str, ...]


def axe_source() -> str:
    """Return axe-core's script; skip the test where it has to be fetched and npm is missing, and fail it in CI."""
    kept = cache_folder() / f"axe-core-{VERSION}" / "axe.min.js"
    kept.parent.mkdir(parents=True, exist_ok=True)
    with (kept.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            _fetch(kept)
    return kept.read_text()


def violations(found: dict[str, Any]) -> list[Violation]:
    """Return what `axe.run` found wrong."""
    return [
        Violation(one["id"], one["help"], tuple(f"{node['target']}: {node['html'][:160]}" for node in one["nodes"]))
        for one in found["violations"]
    ]


def _fetch(kept: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        missing = "npm is not here: it brings axe-core; `.ci/install` brings npm"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    packed = subprocess.run(
        [npm, "pack", "--silent", f"axe-core@{VERSION}"], cwd=kept.parent, capture_output=True, text=True, check=True
    )
    package = kept.parent / packed.stdout.strip()
    if hashlib.sha256(package.read_bytes()).hexdigest() != _SHA256:
        pytest.fail(f"{package.name} is not the one that was reviewed")
    with tarfile.open(package) as archive, (kept.parent / "fetched").open("wb") as target:
        member = archive.extractfile("package/axe.min.js")
        assert member is not None
        shutil.copyfileobj(member, target)
    (kept.parent / "fetched").rename(kept)
    package.unlink()
