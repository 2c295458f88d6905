"""A real Apache Kafka, from Maven Central, as one KRaft node on loopback."""

import base64
import fcntl
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from homeward.cli.embedded.ports import LOOPBACK, free_ports
from homeward.cli.embedded.process import ChildProcess, Command
from homeward.shared.settings import KafkaSettings

VERSION: Final = "4.1.0"
_READY_S: Final = 90.0
_STOP_S: Final = 30.0
_DOWNLOAD_S: Final = 900.0
_CACHE: Final = "HOMEWARD_TEST_CACHE"

_POM: Final = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>homeward.test</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>{VERSION}</version>
    </dependency>
  </dependencies>
</project>
"""

# One node on a small machine: one replica of everything, no wait for members that might come, and the least memory.
_SETTINGS: Final = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{port},FAR://{host}:{far},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port},FAR://{host}:{door}
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,FAR:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={folder}/log
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=2
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=8388608
num.network.threads=2
num.io.threads=4
"""

_JVM: Final = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")


class Kafka:
    """One broker, with its log in `folder`; it can be killed and started again on the same port and log.

    A client that begins at `door` is sent there always: a test that puts a door between it and `far` can shut it.
    """

    def __init__(self, libraries: Path, folder: Path) -> None:
        self._folder = folder
        self._classpath = f"{libraries}/*"
        self._port, self.far, self.door, controller = free_ports(4)
        folder.mkdir(parents=True, exist_ok=True)
        self._settings = folder / "server.properties"
        self._settings.write_text(
            _SETTINGS.format(
                host=LOOPBACK, port=self._port, far=self.far, door=self.door, controller=controller, folder=folder
            )
        )
        self._process = ChildProcess(
            Command("kafka", [*self._java, "kafka.Kafka", self._settings], folder, folder / "kafka.log")
        )

    def __enter__(self) -> Self:
        self._format()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop(_STOP_S)

    @property
    def kafka(self) -> KafkaSettings:
        return KafkaSettings(bootstrap_servers=f"{LOOPBACK}:{self._port}", session_timeout_s=6)

    def start(self) -> None:
        self._process.start()
        self._process.wait_ready(self._answers, _READY_S)

    def kill(self) -> None:
        self._process.kill()

    @property
    def _java(self) -> list[str]:
        return ["java", *_JVM, "-cp", self._classpath]

    def _format(self) -> None:
        """Write the log folder's own id, without which a KRaft node does not start."""
        subprocess.run(
            [*self._java, "kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", str(self._settings)],
            cwd=self._folder,
            capture_output=True,
            check=True,
            timeout=_READY_S,
        )

    def _answers(self) -> bool:
        config: dict[str, str | int | float | bool] = {
            "bootstrap.servers": f"{LOOPBACK}:{self._port}",
            "enable.metrics.push": False,
            "log_level": 0,
        }
        try:
            return bool(AdminClient(config).list_topics(timeout=2).brokers)
        except KafkaException:
            return False


@contextmanager
def running_kafka(folder: Path) -> Iterator[Kafka]:
    """Run a broker in `folder`; skip the test with the reason where Java or Maven is missing, but fail in CI."""
    with Kafka(kafka_libraries(), folder) as kafka:
        yield kafka


def kafka_libraries() -> Path:
    """Return the folder with Kafka's jars; Maven fetches them once into the cache.

    Where Java or Maven is missing the test is skipped with the reason, but fails in CI.
    """
    missing = [program for program in ("java", "mvn") if shutil.which(program) is None]
    if missing:
        reason = f"real Apache Kafka needs {' and '.join(missing)}: on Debian, apt-get install maven"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    root = Path(os.environ.get(_CACHE) or Path(__file__).parents[2] / ".cache")
    target = root / f"kafka-{VERSION}"
    root.mkdir(parents=True, exist_ok=True)
    with (root / f"kafka-{VERSION}.lock").open("w") as lock:
        # Two test runs may start at once on one machine.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            _fetch(target)
    return target


def _fetch(target: Path) -> None:
    fresh = target.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    pom = fresh / "pom.xml"
    pom.write_text(_POM)
    subprocess.run(
        [
            "mvn",
            "--quiet",
            "--batch-mode",
            f"--file={pom}",
            "dependency:copy-dependencies",
            "-DincludeScope=runtime",
            f"-DoutputDirectory={fresh}",
        ],
        check=True,
        timeout=_DOWNLOAD_S,
    )
    # Only a whole folder takes the name: a run that was cut short is fetched again.
    fresh.replace(target)


def _cluster_id() -> str:
    """Return a random id in Kafka's form: 16 bytes in URL-safe base64 that begin with no hyphen."""
    return "A" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]
