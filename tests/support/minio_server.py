"""A real MinIO server on loopback, built from its Go module."""

import http.client
from pathlib import Path
from typing import Final, Self

from pydantic import SecretStr

from homeward.cli.embedded.ports import LOOPBACK, free_ports
from homeward.cli.embedded.process import ChildProcess, Command
from homeward.shared.settings import ObjectStoreSettings
from support.golang import installed_by_go

# The newest state that the module proxy knows; releases are tagged in a way that Go does not read.
MINIO_VERSION: Final = "v0.0.0-20260212201848-7aac2a2c5b7c"

_ACCESS_KEY: Final = "homeward-test"
_SECRET_KEY: Final = "only-for-the-tests-of-this-machine"  # noqa: S105 - a server of the tests' own


def minio_program() -> Path:
    """Return the MinIO server; the first call ever builds it, which takes minutes."""
    return installed_by_go("github.com/minio/minio", MINIO_VERSION, "minio")


class MinioServer:
    """One MinIO server on one folder; the same data and port after a restart."""

    def __init__(self, folder: Path) -> None:
        (self._port,) = free_ports(1)
        (folder / "data").mkdir(parents=True, exist_ok=True)
        self.process = ChildProcess(
            Command(
                "MinIO",
                [
                    minio_program(),
                    *("server", "--quiet", "--address", f"{LOOPBACK}:{self._port}"),
                    *("--certs-dir", folder / "certs", folder / "data"),
                ],
                folder,
                folder / "minio.log",
                {
                    "HOME": str(folder),
                    "MINIO_ROOT_USER": _ACCESS_KEY,
                    "MINIO_ROOT_PASSWORD": _SECRET_KEY,
                    "MINIO_BROWSER": "off",
                    "MINIO_UPDATE": "off",
                    "GOMEMLIMIT": "400MiB",
                },
            )
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def settings(self) -> ObjectStoreSettings:
        """How to reach the S3 API."""
        return ObjectStoreSettings(
            endpoint=f"{LOOPBACK}:{self._port}",
            access_key=SecretStr(_ACCESS_KEY),
            secret_key=SecretStr(_SECRET_KEY),
            secure=False,
        )

    def start(self) -> None:
        """Start the server and return when it serves; raise ProcessError with its log's tail."""
        self.process.start()
        self.process.wait_ready(self._serves, 60)

    def stop(self) -> None:
        """End the server."""
        self.process.stop()

    def kill(self) -> None:
        """End the server as a crash would."""
        self.process.kill()

    def _serves(self) -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=1.0)
        try:
            connection.request("GET", "/minio/health/cluster")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
