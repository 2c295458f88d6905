"""All of Homeward as processes of one machine, on the embedded broker and object store."""

import http.client
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from homeward.cli.certificates import make_certificates
from homeward.cli.context import Context
from homeward.cli.demo_provider.place import DemoPlace
from homeward.cli.embedded.demo_provider import DemoProvider
from homeward.cli.embedded.ports import LOOPBACK, free_ports
from homeward.cli.embedded.process import ChildProcess, ProcessError
from homeward.cli.embedded.seaweedfs import SeaweedFs
from homeward.cli.embedded.tansu import Tansu, TansuBucket
from homeward.cli.prepare import prepare
from homeward.cli.stack.folder import DataFolder
from homeward.cli.stack.hold import FolderHold
from homeward.cli.stack.services import SERVICES, Ports, ServiceCommands
from homeward.cli.stack.supervisor import Supervisor
from homeward.shared.clock import Clock, SystemClock
from homeward.shared.objectstore.minio_store import MinioStore

BROKER_BUCKET: Final = "kafka"
"""Where the embedded broker keeps its log, so that it is as durable as the footage."""

_SERVICE_READY_S: Final = 90.0  # about 5 s; mediapipe's first import on a slow disk takes the longest
_PREPARED_S: Final = 60.0
_PROBE_S: Final = 1.0
_CERTIFICATES_LAST: Final = timedelta(days=397)
"""Made anew at each start: longer than a machine goes without one."""


def _silent(_: str) -> None:
    """Report nothing."""


@dataclass
class Stack:
    """One machine's Homeward: the services `named`. `overrides` are further settings of a service, by its name.

    Without `durable` the broker keeps its log in memory, which costs far less and is gone when it stops.
    `report` is told in words what is being started and what ended by itself.
    """

    root: Path
    models: Path
    overrides: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    durable: bool = True
    named: Sequence[str] = SERVICES
    report: Callable[[str], None] = _silent
    clock: Clock = field(default_factory=SystemClock)

    def __post_init__(self) -> None:
        # Services run in a folder of their own, where a relative path would lead elsewhere.
        self.folder = DataFolder(self.root.resolve())
        self.models = self.models.resolve()
        self._hold = FolderHold(self.folder.root)
        self.object_store = SeaweedFs(self.folder.objects)
        self.services: dict[str, ChildProcess] = {}
        self._broker: Tansu | None = None
        self._provider: DemoProvider | None = None
        self._ports: Ports | None = None
        self._stop = threading.Event()
        self._watching: threading.Thread | None = None

    @property
    def broker(self) -> Tansu:
        """The embedded broker; there from `start` on."""
        if self._broker is None:
            raise RuntimeError("the stack was not started")
        return self._broker

    @property
    def ports(self) -> Ports:
        """Where the services listen; there from `start` on."""
        if self._ports is None:
            raise RuntimeError("the stack was not started")
        return self._ports

    def children(self) -> dict[str, ChildProcess]:
        """Return every process of the stack by name, the broker and the object store included."""
        provider = {} if self._provider is None else {"demo-provider": self._provider.process}
        return {"object-store": self.object_store.process, "broker": self.broker.process, **provider, **self.services}

    def start(self) -> Context:
        """Start everything, wait until each service is ready, and keep it running until `stop`.

        Returns how to reach it, which is written to the folder as well. Raises ProcessError when another runs on the
        folder already, or when a part does not get ready; what was started is ended then.
        """
        try:
            return self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End everything: the services first, so that they drain into a broker and a store that still answer."""
        self._stop.set()
        if self._watching is not None:
            self._watching.join()
        enders = [threading.Thread(target=child.stop, args=(40.0,)) for child in self.services.values()]
        for ender in enders:
            ender.start()
        for ender in enders:
            ender.join()
        if self._provider is not None:
            self._provider.stop()
        if self._broker is not None:
            self._broker.stop()
        self.object_store.stop()
        self._hold.give_back()

    def ready(self, service: str) -> bool:
        """Return whether `service` says that it is ready."""
        return readiness(self.ports.operations[service]) is not None

    def _start(self) -> Context:
        try:
            self.folder.make()
        except OSError as error:
            raise ProcessError(f"no data can be kept in {self.folder.root}: {error.strerror}") from error
        self._hold.take()
        self.report("starting the object store")
        self.object_store.start()
        settings = self.object_store.settings
        store = MinioStore(settings)
        self.report("starting the broker")
        self._broker = Tansu(self.folder.broker, bucket=self._broker_bucket(store) if self.durable else None)
        self._broker.start()
        prepare(self._broker.kafka, store)
        make_certificates(self.folder.tls, self.clock, _CERTIFICATES_LAST)
        *operations, embedding, matching, provider, console = free_ports(len(SERVICES) + 4)
        self._ports = Ports(dict(zip(SERVICES, operations, strict=True)), embedding=embedding, matching=matching)
        place = DemoPlace(provider, console)
        context = Context(
            kafka=self._broker.kafka,
            object_store=settings,
            embedding_target=f"{LOOPBACK}:{self._ports.embedding}",
            matching_target=f"{LOOPBACK}:{self._ports.matching}",
            console_url=place.console,
            keys_folder=self.folder.keys,
            tls_folder=self.folder.tls,
            operations_ports=self._ports.operations,
        )
        context.save(self.folder.root)
        commands = ServiceCommands(
            self.folder, self.models, self._broker.environment, settings, self._ports, place, self.overrides
        )
        if "access" in self.named:
            self.report("bringing the database to this version")
            self._prepare_access(commands)
            self._provider = DemoProvider(self.folder, place)
            self._provider.start()
        for service in self.named:
            self.services[service] = ChildProcess(commands.command(service))
            self.services[service].start()
        for service, child in self.services.items():
            self.report(f"waiting for {service}")
            child.wait_ready(lambda service=service: self.ready(service), _SERVICE_READY_S)  # type: ignore[misc]
        supervisor = Supervisor(self.children(), self.clock, self.report)
        self._watching = threading.Thread(target=supervisor.run, args=(self._stop,), name="supervisor", daemon=True)
        self._watching.start()
        return context

    def _prepare_access(self, commands: ServiceCommands) -> None:
        child = ChildProcess(commands.command("access", "prepare"))
        child.start()
        if child.wait(_PREPARED_S) != 0:
            child.stop()
            raise child.failure("could not bring its database to this version")

    def _broker_bucket(self, store: MinioStore) -> TansuBucket:
        settings = self.object_store.settings
        store.ensure_bucket(BROKER_BUCKET)
        return TansuBucket(
            BROKER_BUCKET, f"http://{settings.endpoint}", settings.access_key, settings.secret_key, settings.region
        )


def readiness(port: int) -> Mapping[str, bool] | None:
    """Return the parts of the service whose operations port is `port` when all are ready, and None otherwise."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_PROBE_S)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return dict(json.loads(body)["parts"]) if answer.status == http.client.OK else None
