"""A SeaweedFS server for tests: a fixture's session, and buckets of a test's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from homeward.cli.embedded.seaweedfs import SeaweedFs


@contextmanager
def running_seaweedfs(folder: Path) -> Iterator[SeaweedFs]:
    """Run SeaweedFS on `folder` until the block ends, whatever state the block leaves it in."""
    server = SeaweedFs(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
