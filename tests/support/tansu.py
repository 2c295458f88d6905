"""The embedded broker for tests: in memory, or in a bucket where it must outlive a crash."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from homeward.cli.embedded.seaweedfs import SeaweedFs
from homeward.cli.embedded.tansu import Tansu, TansuBucket
from homeward.shared.objectstore.minio_store import MinioStore

_BUCKET: Final = "tansu"
_SESSION_S: Final = 4
"""Real Kafka allows no less than 6; here a new group waits for half of it, and every test would feel that."""


@contextmanager
def running_tansu(folder: Path) -> Iterator[Tansu]:
    """Run a broker that forgets everything when it ends."""
    with Tansu(folder, session_timeout_s=_SESSION_S) as tansu:
        yield tansu


@contextmanager
def running_durable_tansu(folder: Path) -> Iterator[Tansu]:
    """Run a broker whose log is in an object store of its own."""
    with SeaweedFs(folder / "seaweedfs") as store:
        MinioStore(store.settings).ensure_bucket(_BUCKET)
        bucket = TansuBucket(
            _BUCKET, f"http://{store.settings.endpoint}", store.settings.access_key, store.settings.secret_key
        )
        with Tansu(folder / "tansu", bucket=bucket, session_timeout_s=_SESSION_S) as tansu:
            yield tansu
