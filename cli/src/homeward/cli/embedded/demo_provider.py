"""The demo's sign-in provider as a child."""

import http.client
import sys
from pathlib import Path
from typing import Final, Self

from homeward.cli.demo_provider.place import DemoPlace
from homeward.cli.embedded.ports import LOOPBACK
from homeward.cli.embedded.process import ChildProcess, Command
from homeward.cli.stack.folder import DataFolder

_READY_S: Final = 60.0  # about 1 s on an idle machine


class DemoProvider:
    """The provider of the demo system in one data folder; nothing else starts it."""

    def __init__(self, folder: DataFolder, place: DemoPlace) -> None:
        """Take the folder, which is made; nothing is written yet."""
        self._folder = folder
        self._place = place
        arguments: list[str | Path] = [sys.executable, "-m", "homeward.cli.demo_provider", "--data", folder.root]
        log = folder.logs / "demo-provider.log"
        self.process = ChildProcess(Command("the demo provider", arguments, folder.root, log))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Let the provider run in the folder, start it, and return when it serves; raise ProcessError."""
        self._place.save(self._folder)
        self.process.start()
        self.process.wait_ready(self._serves, _READY_S)

    def stop(self) -> None:
        """End the provider."""
        self.process.stop()

    def _serves(self) -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, self._place.port, timeout=1.0)
        try:
            connection.request("GET", "/keys")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
