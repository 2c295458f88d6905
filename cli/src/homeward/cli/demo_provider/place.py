"""Where the demo provider may run: in the data folder of a Homeward that runs on this machine alone, on loopback."""

import json
import os
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

from homeward.cli.embedded.ports import LOOPBACK
from homeward.cli.stack.folder import DataFolder

FILE_NAME: Final = "demo-provider.json"
CLIENT_ID: Final = "homeward-console"
API_AUDIENCE: Final = "homeward-api"
CALLBACK: Final = "/sign-in/callback"

_OTHERS: Final = 0o077
_OWNER_ONLY: Final = 0o600


class NoDemoError(Exception):
    """The demo provider may not run here: it signs in whoever clicks."""


@dataclass(frozen=True, slots=True)
class DemoPlace:
    """Where the provider listens, and where the console is that it signs people in to: ports of loopback."""

    port: int
    console_port: int

    @property
    def issuer(self) -> str:
        """The provider's issuer."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def console(self) -> str:
        """The console's public URL."""
        return f"http://{LOOPBACK}:{self.console_port}"

    @property
    def redirect_uri(self) -> str:
        """Where browsers go with their code, and nowhere else."""
        return self.console + CALLBACK

    def settings(self) -> dict[str, str]:
        """Return the settings by which access takes this provider."""
        return {
            "HOMEWARD_WEB__HOST": LOOPBACK,
            "HOMEWARD_WEB__PORT": str(self.console_port),
            "HOMEWARD_WEB__PUBLIC_URL": self.console,
            "HOMEWARD_OIDC__ISSUER": self.issuer,
            "HOMEWARD_OIDC__CLIENT_ID": CLIENT_ID,
            "HOMEWARD_OIDC__API_AUDIENCE": API_AUDIENCE,
            "HOMEWARD_OIDC__ALGORITHMS": json.dumps(["EdDSA"]),
            "HOMEWARD_OIDC__DEMO": "true",
        }

    def save(self, folder: DataFolder) -> None:
        """Let the provider run in `folder`: only what starts a whole demo system calls this."""
        path = folder.root / FILE_NAME
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, _OWNER_ONLY)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(self), file)

    @classmethod
    def load(cls, folder: DataFolder) -> Self:
        """Return the place that `save` wrote into `folder`.

        Raises NoDemoError when there is none, when the folder or the file is another user's or open to others, or
        when it says something else: a provider that signs in whoever clicks runs nowhere but beside a demo system.
        """
        path = folder.root / FILE_NAME
        try:
            _check_owned(os.lstat(folder.root))
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            with os.fdopen(descriptor, "rb") as file:
                _check_owned(os.fstat(file.fileno()))
                document: Any = json.load(file)
            return cls(int(document["port"]), int(document["console_port"]))
        except OSError as error:
            raise NoDemoError(
                f"{folder.root} is not the data folder of a demo system ({error.strerror}). The demo provider signs in "
                "whoever clicks: only `homeward up` and `homeward demo` start it"
            ) from error
        except (KeyError, TypeError, ValueError) as error:
            raise NoDemoError(f"{path} is not what this version writes: start Homeward anew") from error


def _check_owned(status: os.stat_result) -> None:
    if status.st_uid != os.geteuid() or status.st_mode & _OTHERS:
        raise NoDemoError("the data folder and what is in it must be the user's who starts the demo provider, alone")
