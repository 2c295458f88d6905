"""`python -m homeward.ingest run` as a process of a test: started, killed, asked what it costs."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from homeward.shared.settings import KafkaSettings, ObjectStoreSettings

_STOP_S: Final = 60.0
_KILL_S: Final = 20.0


class IngestProcess:
    """One replica with a spool folder of its own; what it writes goes to `log`."""

    def __init__(
        self, folder: Path, kafka: KafkaSettings, store: ObjectStoreSettings, settings: Mapping[str, str] | None = None
    ) -> None:
        """`settings` are further ones, by the names of their environment variables without HOMEWARD_."""
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "ingest.log"
        self.spool = folder / "spool"
        own = {
            "KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "KAFKA__SESSION_TIMEOUT_S": f"{kafka.session_timeout_s:g}",
            "KAFKA__IDEMPOTENCE": str(kafka.idempotence).lower(),
            "OBJECT_STORE__ENDPOINT": store.endpoint,
            "OBJECT_STORE__ACCESS_KEY": store.access_key.get_secret_value(),
            "OBJECT_STORE__SECRET_KEY": store.secret_key.get_secret_value(),
            "OBJECT_STORE__SECURE": "false",
            "OPERATIONS__PORT": "0",
            "SPOOL_FOLDER": str(self.spool),
        } | dict(settings or {})
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HOMEWARD_")},
            **{f"HOMEWARD_{name}": value for name, value in own.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process's id, from `start` on."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it; it need not be ready when this returns."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "homeward.ingest", "run"], env=self._environment, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """End it as a crash would; one that has ended is no error."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(_KILL_S)

    def stop(self) -> int:
        """Ask it to end and return its exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(_STOP_S)

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines that it wrote."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
