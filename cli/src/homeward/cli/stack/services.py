"""The services of one machine: what each is told, and where it can be reached."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from homeward.cli.certificates import peer_tls
from homeward.cli.demo_provider.place import DemoPlace
from homeward.cli.embedded.process import Command
from homeward.cli.stack.folder import DataFolder
from homeward.shared.settings import ObjectStoreSettings

SERVICES: Final = ("access", "ingest", "detection", "embedding", "matching", "retention")
"""In the order in which they are started; none needs another to be there first."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where each service listens on loopback: `operations` by service, and the two gRPC services."""

    operations: Mapping[str, int]
    embedding: int
    matching: int


@dataclass(frozen=True, slots=True)
class ServiceCommands:
    """The command of each service; `broker` is the environment by which a service reaches the broker.

    `place` is where the demo provider and the console are.
    """

    folder: DataFolder
    models: Path
    broker: Mapping[str, str]
    object_store: ObjectStoreSettings
    ports: Ports
    place: DemoPlace
    overrides: Mapping[str, Mapping[str, str]]

    def command(self, service: str, task: str = "run") -> Command:
        """Return how to start `service`, or another `task` of its command line."""
        return Command(
            name=service,
            arguments=[sys.executable, "-m", f"homeward.{service}", task],
            folder=self.folder.root,
            log=self.folder.logs / f"{service}.log",
            environment=self.environment(service),
        )

    def environment(self, service: str) -> dict[str, str]:
        """Return the settings of `service`."""
        scratch = self.folder.scratch / service
        scratch.mkdir(mode=0o700, exist_ok=True)
        return {
            "TMPDIR": str(scratch),
            # Not the address alone: the embedded broker loses events to a producer that is not told how to treat it.
            **self.broker,
            "HOMEWARD_OPERATIONS__HOST": "127.0.0.1",
            "HOMEWARD_OPERATIONS__PORT": str(self.ports.operations[service]),
            **self._own(service),
            **self.overrides.get(service, {}),
        }

    def _own(self, service: str) -> dict[str, str]:
        public_keys = {"HOMEWARD_AUTHORISATION_KEYS": str(self.folder.public_keys)}
        models = {"HOMEWARD_MODELS_FOLDER": str(self.models)}
        match service:
            case "access":
                return {
                    **self._objects(),
                    **self._tls(service),
                    **self.place.settings(),
                    "HOMEWARD_DATABASE_URL": f"sqlite:///{self.folder.database}",
                    "HOMEWARD_KEYS_FOLDER": str(self.folder.keys),
                    "HOMEWARD_JWKS_FILE": str(self.folder.public_keys),
                    "HOMEWARD_MATCHING_TARGET": f"127.0.0.1:{self.ports.matching}",
                }
            case "ingest":
                return {
                    **self._objects(),
                    "HOMEWARD_SPOOL_FOLDER": str(self.folder.spool),
                    "HOMEWARD_CREDENTIALS_FOLDER": str(self.folder.credentials),
                }
            case "detection":
                return {**self._objects(), **models}
            case "embedding":
                listen = {"HOMEWARD_GRPC_LISTEN": f"127.0.0.1:{self.ports.embedding}"}
                return {**self._objects(), **models, **public_keys, **listen, **self._tls(service)}
            case "matching":
                return {
                    **public_keys,
                    **self._tls(service),
                    "HOMEWARD_GRPC_LISTEN": f"127.0.0.1:{self.ports.matching}",
                    "HOMEWARD_EMBEDDING_TARGET": f"127.0.0.1:{self.ports.embedding}",
                    "HOMEWARD_QDRANT_FOLDER": str(self.folder.templates),
                }
            case "retention":
                target = {"HOMEWARD_MATCHING_TARGET": f"127.0.0.1:{self.ports.matching}"}
                return {**self._objects(), **public_keys, **target, **self._tls(service)}
            case _:
                raise ValueError(f"there is no service {service}")

    def _tls(self, service: str) -> dict[str, str]:
        tls = peer_tls(self.folder.tls, service)
        return {
            "HOMEWARD_GRPC_TLS__CA_FILE": str(tls.ca_file),
            "HOMEWARD_GRPC_TLS__CERTIFICATE_FILE": str(tls.certificate_file),
            "HOMEWARD_GRPC_TLS__KEY_FILE": str(tls.key_file),
        }

    def _objects(self) -> dict[str, str]:
        store = self.object_store
        return {
            "HOMEWARD_OBJECT_STORE__ENDPOINT": store.endpoint,
            "HOMEWARD_OBJECT_STORE__ACCESS_KEY": store.access_key.get_secret_value(),
            "HOMEWARD_OBJECT_STORE__SECRET_KEY": store.secret_key.get_secret_value(),
            "HOMEWARD_OBJECT_STORE__SECURE": str(store.secure).lower(),
            "HOMEWARD_OBJECT_STORE__REGION": store.region,
        }
