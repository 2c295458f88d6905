"""A real PostgreSQL on a unix socket, from Debian's package."""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import psycopg
import pytest

_PATIENCE_S: Final = 60.0
_USER: Final = "postgres"
# A throwaway: what a crash would lose is of no use afterwards.
_SETTINGS: Final = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "listen_addresses=",
    "max_connections=1000",
    "shared_buffers=64MB",
)


def postgres_folder() -> Path:
    """Return the folder of the server's programs; skip the test where there are none, and fail it in CI."""
    known = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    found = known[-1].parent if known else Path(shutil.which("postgres") or "").parent
    if (found / "postgres").exists() and (found / "initdb").exists():
        return found
    reason = "PostgreSQL's server is missing: on Debian, apt-get install postgresql"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def running_postgres() -> Iterator[str]:
    """Run a server in a folder of its own; yield SQLAlchemy's URL of its first database, whose user may make more."""
    programs = postgres_folder()
    with TemporaryDirectory(prefix="homeward-pg-") as name:
        yield from _serve(programs, Path(name))


def _serve(programs: Path, folder: Path) -> Iterator[str]:
    as_whom: list[str] = []
    if os.geteuid() == 0:
        # It refuses to run as root.
        owner = pwd.getpwnam(_USER)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        as_whom = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
    data = folder / "data"
    subprocess.run(
        [*as_whom, programs / "initdb", "--auth=trust", f"--username={_USER}", "--no-sync", data],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    options = [argument for setting in _SETTINGS for argument in ("-c", setting)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*as_whom, programs / "postgres", "-D", data, "-k", folder, *options], stdout=log, stderr=log, cwd=folder
        )
    try:
        _wait(folder, server)
        yield f"postgresql+psycopg://{_USER}@/{_USER}?host={folder}"
    finally:
        server.terminate()
        server.wait(_PATIENCE_S)


def _wait(folder: Path, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            psycopg.connect(host=str(folder), user=_USER, dbname=_USER).close()
        except psycopg.OperationalError:
            assert server.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, "PostgreSQL does not answer"
            time.sleep(0.1)
        else:
            return
