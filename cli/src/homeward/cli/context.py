"""How commands find the running Homeward: one file in the data folder, written by `homeward up`."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import grpc
from pydantic import SecretStr

from homeward.cli.certificates import peer_tls
from homeward.shared.runtime.peers import connect
from homeward.shared.settings import KafkaSettings, ObjectStoreSettings, Section

FILE_NAME: Final = "homeward.json"

_OWNER_ONLY: Final = 0o600
_OTHERS: Final = 0o077
_PLAIN: Final = ("matching_target", "embedding_target", "console_url", "keys_folder", "tls_folder")


class ContextError(Exception):
    """There is no running Homeward to be found, or the file that tells where is not fit to be read."""


@dataclass(frozen=True, slots=True)
class Context:
    """Where everything is. The targets are host:port of gRPC services.

    `console_url` is where people find access. `keys_folder` holds private keys, `tls_folder` the certificates.
    `operations_ports` are the ports of /readyz on loopback, by service.
    """

    kafka: KafkaSettings
    object_store: ObjectStoreSettings
    matching_target: str
    embedding_target: str
    console_url: str
    keys_folder: Path
    tls_folder: Path
    operations_ports: Mapping[str, int]

    @classmethod
    def load(cls, data_folder: Path) -> Self:
        """Return what `save` wrote into `data_folder`.

        Raises ContextError when there is no file, when others can read it, or when it says something else.
        """
        path = data_folder / FILE_NAME
        try:
            with path.open("rb") as file:
                if os.fstat(file.fileno()).st_mode & _OTHERS:
                    raise ContextError(f"{path} holds secrets and others can read it: chmod 600")
                document = json.load(file)
        except FileNotFoundError as error:
            raise ContextError(
                f"no Homeward keeps its data in {data_folder}: start one with `homeward up --data {data_folder}`, or "
                "name another folder with --data"
            ) from error
        except OSError as error:
            raise ContextError(f"{path} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise ContextError(f"{path} is not JSON; stop Homeward and start it anew to have it written") from error
        try:
            plain = {name: str(document[name]) for name in _PLAIN}
            return cls(
                KafkaSettings.model_validate(document["kafka"]),
                ObjectStoreSettings.model_validate(document["object_store"]),
                plain["matching_target"],
                plain["embedding_target"],
                plain["console_url"],
                Path(plain["keys_folder"]),
                Path(plain["tls_folder"]),
                {str(service): int(port) for service, port in document["operations_ports"].items()},
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # The cause is told by its class alone: pydantic's text would repeat a secret.
            kind = type(error).__name__
            raise ContextError(f"{path} is not what this version writes ({kind}): start Homeward anew") from None

    def matching(self) -> grpc.Channel:
        """Return a channel to matching, as the command; raise PeerTlsError where its certificate cannot be read."""
        return connect(self.matching_target, "matching", peer_tls(self.tls_folder, "cli"))

    def save(self, data_folder: Path) -> None:
        """Write the file into `data_folder`, whole or not at all, so that its owner alone can read it."""
        path = data_folder / FILE_NAME
        partial = path.with_name(f"{FILE_NAME}.partial")
        document = {
            "kafka": _revealed(self.kafka),
            "object_store": _revealed(self.object_store),
            "matching_target": self.matching_target,
            "embedding_target": self.embedding_target,
            "console_url": self.console_url,
            "keys_folder": str(self.keys_folder),
            "tls_folder": str(self.tls_folder),
            "operations_ports": dict(self.operations_ports),
        }
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _OWNER_ONLY)
        with os.fdopen(descriptor, "w") as file:
            json.dump(document, file, indent=2)
        partial.replace(path)


def _revealed(section: Section) -> dict[str, Any]:
    """Return the section's values with its secrets, which the file is there to hand over."""
    return {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in section.model_dump(mode="python", exclude_none=True).items()
    } | {name: str(value) for name, value in section if isinstance(value, Path)}
