"""`python -m homeward.ingest run` as a process of a test: started, killed, asked what it costs."""

import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from homeward.cli.embedded.process import ChildProcess, Command
from homeward.shared.settings import KafkaSettings, ObjectStoreSettings

_STOP_S: Final = 60.0


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
        # A child of the stack's own kind: it dies with the test, however that ends.
        self._child = ChildProcess(
            Command(
                "ingest",
                [sys.executable, "-m", "homeward.ingest", "run"],
                folder,
                self.log,
                {f"HOMEWARD_{name}": value for name, value in own.items()},
            )
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._child.is_alive()

    @property
    def pid(self) -> int:
        """The process's id, from `start` on."""
        assert self._child.pid is not None
        return self._child.pid

    def start(self) -> None:
        """Start it; it need not be ready when this returns."""
        self._child.start()

    def kill(self) -> None:
        """End it as a crash would; one that has ended is no error."""
        self._child.kill()

    def freeze(self) -> None:
        """Stop it where it stands, as a machine that is paused."""
        self._child.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._child.send_signal(signal.SIGCONT)

    def stop(self) -> int | None:
        """Ask it to end and return its exit status; one that does not end in time is killed."""
        return self._child.stop(_STOP_S)

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines that it wrote."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
