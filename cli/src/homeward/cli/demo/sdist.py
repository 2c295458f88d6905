"""A source distribution, downloaded by pip without running any code of the package."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from homeward.shared.models.clients import Finished
from homeward.shared.models.errors import SourceError, UnreachableError

_TIMEOUT_S: Final = 300

# pip asks a source distribution's build backend for its metadata even when nothing is to be built, which runs the
# package's setup.py. A package without a pyproject.toml gets setuptools for a backend: this stand-in answers in its
# place, out of the name and the version that we asked for, so that the package is data and stays so.
_BACKEND: Final = """
import os
import types

def _metadata(folder, config_settings=None):
    name, version = os.environ["HOMEWARD_SDIST_NAME"], os.environ["HOMEWARD_SDIST_VERSION"]
    place = f"{name}-{version}.dist-info"
    os.makedirs(os.path.join(folder, place))
    with open(os.path.join(folder, place, "METADATA"), "w", encoding="utf-8") as file:
        file.write(f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
    return place

def _requires(config_settings=None):
    return []

__legacy__ = types.SimpleNamespace(
    get_requires_for_build_wheel=_requires, prepare_metadata_for_build_wheel=_metadata
)
"""

RunWith = Callable[[Sequence[str], Mapping[str, str]], Finished]
"""Runs a program under an environment and waits for it; raises SourceError when it cannot or does not end."""


def run_with(command: Sequence[str], environment: Mapping[str, str]) -> Finished:
    """Run `command` under `environment`, with nothing to read, and return how it ended."""
    try:
        done = subprocess.run(  # noqa: S603 - the command is made of our own words, without a shell
            command,
            env=dict(environment),
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
        raise UnreachableError(f"pip did not end within {_TIMEOUT_S} s") from error
    return Finished(done.returncode, done.stdout)


def download_sdist(package: str, version: str, sha256: str, folder: Path, run: RunWith = run_with) -> Path:
    """Return the source distribution of `package` at `version`, downloaded into `folder`; pip checks the hash.

    The package must be one without a pyproject.toml. Blocks; raises SourceError with the reason.
    """
    with tempfile.TemporaryDirectory(prefix="homeward-sdist-") as scratch:
        backend = Path(scratch) / "backend" / "setuptools"
        backend.mkdir(parents=True)
        (backend / "__init__.py").write_text("", encoding="utf-8")
        (backend / "build_meta.py").write_text(_BACKEND, encoding="utf-8")
        wanted = Path(scratch) / "wanted.txt"
        wanted.write_text(f"{package}=={version} --hash=sha256:{sha256}\n", encoding="utf-8")
        environment = {
            **os.environ,
            "PYTHONPATH": str(backend.parent),
            "HOMEWARD_SDIST_NAME": package,
            "HOMEWARD_SDIST_VERSION": version,
        }
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:", "--require-hashes"]
        quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--quiet"]
        how = ["--no-build-isolation", "--use-pep517", "--requirement", str(wanted), "--dest", str(folder)]
        done = run([*command, *quiet, *how], environment)
    if done.status != 0:
        said = done.output.strip().splitlines()[-1:] or ["it said nothing"]
        raise SourceError(f"pip ended with status {done.status}: {said[0]}")
    found = sorted(folder.glob("*.tar.gz"))
    if len(found) != 1:
        raise SourceError(f"pip gave {len(found)} files where one was asked for")
    return found[0]
